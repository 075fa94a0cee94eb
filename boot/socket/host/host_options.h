// Which options of the host's sockets the application may use: the one list that setsockopt(2), getsockopt(2) and the
// boot process's seccomp policy share.
#pragma once

#include <cstddef>
#include <span>

namespace runsc {

struct HostOption {
  enum Access { kGet = 1, kSet = 2, kBoth = 3 };
  int level;
  int name;
  Access access;
  // Lengths in bytes. A shorter value is EINVAL; of a longer one the first `longest` bytes count. Of getsockopt(2):
  // the longest value.
  std::size_t shortest;
  std::size_t longest;

  bool readable() const { return (access & kGet) != 0; }
  bool writable() const { return (access & kSet) != 0; }
};

std::span<const HostOption> host_options();

// Null: ENOPROTOOPT, as for an option that Linux does not have.
const HostOption* find_host_option(int level, int name);

// The commands of ioctl(2) that only tell about network interfaces and take a struct ifreq, and SIOCGIFCONF.
std::span<const int> interface_questions();

}  // namespace runsc
