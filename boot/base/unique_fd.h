// An owned host file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

#include "boot/base/result.h"

namespace runsc {

// Closes its descriptor when destroyed. Host descriptors are never passed as plain ints that own; an int parameter
// named fd is borrowed for the duration of the call.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Takes what a host call returned: a descriptor, or -1 with errno set.
inline Result<UniqueFd> own_fd(int fd) {
  if (fd < 0) return last_errno();
  return UniqueFd(fd);
}

}  // namespace runsc
