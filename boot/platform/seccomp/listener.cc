#include "boot/platform/seccomp/listener.h"

#include <poll.h>
#include <sys/ioctl.h>

#include "boot/base/log.h"

namespace runsc::seccomp {

Result<void> Listener::enable_sync_wake_up() const {
  if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0) return {};
  return last_errno();
}

bool Listener::hung_up() const {
  pollfd poll_fd{fd_.get(), POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

std::optional<Notification> Listener::receive() const {
  for (;;) {
    Notification notification{};
    if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0) return notification;
    if (errno == EINTR) continue;
    if (errno != ENOENT) {
      PLOG(WARNING) << "receiving a system call failed";
      return std::nullopt;
    }
    // ENOENT: the caller has died, or a signal has taken it out of the call and it will come back.
    if (hung_up()) return std::nullopt;
  }
}

void Listener::answer(std::uint64_t id, std::int64_t value) const {
  seccomp_notif_resp response{id, value, 0, 0};
  ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void Listener::answer_continue(std::uint64_t id) const {
  seccomp_notif_resp response{id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

}  // namespace runsc::seccomp
