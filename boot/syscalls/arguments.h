// The argument types of system calls that are not pointers or ids: numbers whose bits have names. They decode the
// registers, and choose strace's formatters (boot/strace).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "boot/abi/ids.h"
#include "boot/abi/signal.h"
#include "boot/abi/user_pointer.h"
#include "boot/kernel/limits.h"
#include "boot/vfs/open_flags.h"

struct epoll_event;
struct iovec;
struct itimerspec;
struct itimerval;
struct mmsghdr;
struct mq_attr;
struct msghdr;
struct pollfd;
struct rusage;
struct sched_param;
struct sembuf;
struct sigevent;
struct sockaddr;
struct stat;
struct statfs;
struct statx;
struct sysinfo;
struct timespec;
struct timeval;
struct timex;
struct timezone;
struct tms;
struct utimbuf;
struct utsname;
struct __user_cap_data_struct;
struct __user_cap_header_struct;

namespace runsc {

struct Mode {  // permissions, and for mknod(2) the type
  std::uint32_t bits = 0;
};
struct Protection {  // PROT_*
  int bits = 0;
};
struct MapFlags {  // MAP_*
  int bits = 0;
};
struct CloneFlags {  // CLONE_*, and the exit signal
  std::uint64_t bits = 0;
};
// What pselect6(2) points its sixth argument to.
struct SignalMaskArgument {
  UserIn<SignalSet> mask;
  std::uint64_t size = 0;
};
static_assert(sizeof(SignalMaskArgument) == 16);

// One register as a T. Linux ignores the upper half of the register for 32-bit arguments.
template <typename T>
T decode_argument(std::uint64_t value) {
  if constexpr (std::is_base_of_v<UserAddress, T>) {
    T pointer;
    pointer.value = value;
    return pointer;
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(value);
  } else {
    return T{static_cast<decltype(T::bits)>(value)};
  }
}

}  // namespace runsc
