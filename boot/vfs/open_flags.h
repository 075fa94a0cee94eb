// The flags of open(2) as a type.
#pragma once

#include <fcntl.h>

namespace runsc {

struct OpenFlags {
  int bits = 0;

  int access() const { return bits & O_ACCMODE; }
  bool has(int flag) const { return (bits & flag) == flag; }
  bool readable() const { return !has(O_PATH) && (access() == O_RDONLY || access() == O_RDWR); }
  bool writable() const { return !has(O_PATH) && (access() == O_WRONLY || access() == O_RDWR); }
  bool nonblocking() const { return (bits & O_NONBLOCK) != 0; }
  bool append() const { return (bits & O_APPEND) != 0; }
  bool close_on_exec() const { return (bits & O_CLOEXEC) != 0; }
  bool path_only() const { return has(O_PATH); }
};

}  // namespace runsc
