// The seccomp listener of one application thread.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc::seccomp {

using Notification = seccomp_notif;

// Linux 6.6.
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

class Listener {
 public:
  // `fd`: a descriptor that the thread replaces by its listener while it starts.
  explicit Listener(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }

  // Lets sender and receiver wake each other on one CPU. ENOTTY as long as the descriptor is not a listener yet.
  Result<void> enable_sync_wake_up() const;

  // Waits for the thread's next system call. nullopt: the thread is dead.
  std::optional<Notification> receive() const;

  // The thread may be dead by now, which the next receive() tells.
  void answer(std::uint64_t id, std::int64_t value) const;
  void answer_continue(std::uint64_t id) const;

 private:
  bool hung_up() const;
  UniqueFd fd_;
};

}  // namespace runsc::seccomp
