// Owned descriptors and small file helpers.
#ifndef TEST_GUEST_SUPPORT_FD_H_
#define TEST_GUEST_SUPPORT_FD_H_

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "test/guest/support/errno.h"

namespace guest {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;

  explicit Pipe(int flags = 0) {
    int fds[2] = {-1, -1};
    EXPECT_OK(pipe2(fds, flags));
    read.Reset(fds[0]);
    write.Reset(fds[1]);
  }
};

// Creates or truncates `path` with `content`.
inline void WriteFile(const std::string& path, const std::string& content, mode_t mode = 0644) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  ASSERT_TRUE(fd.valid()) << path << ": " << ErrnoText(errno);
  ASSERT_EQ(static_cast<ssize_t>(content.size()), write(fd.get(), content.data(), content.size()));
}

// Everything from the current offset to the end of file; stops at an error.
inline std::string ReadAll(int fd) {
  std::string out;
  char buffer[4096];
  for (;;) {
    ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return out;
    out.append(buffer, static_cast<size_t>(n));
  }
}

// The content of a file, or "" with a test failure when it cannot be opened.
inline std::string ReadFile(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << path << ": " << ErrnoText(errno);
  return fd.valid() ? ReadAll(fd.get()) : "";
}

inline bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_FD_H_
