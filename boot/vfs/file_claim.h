// FileClaim: that a regular file is open for reading, open for writing, or runs as a program. The last two exclude each
// other: ETXTBSY of open(2), truncate(2) and execve(2).
#pragma once

#include "boot/base/result.h"
#include "boot/vfs/inode.h"

namespace runsc {

class FileClaim {
 public:
  enum class Kind { kNone, kRead, kWrite, kExecute };

  FileClaim() = default;
  // Nothing is claimed of what is not a regular file. ETXTBSY.
  static Result<FileClaim> take(InodePtr inode, Kind kind);
  FileClaim(FileClaim&& other) noexcept
      : inode_(std::move(other.inode_)), kind_(std::exchange(other.kind_, Kind::kNone)) {}
  FileClaim& operator=(FileClaim&& other) noexcept;
  ~FileClaim() { release(); }

 private:
  FileClaim(InodePtr inode, Kind kind) : inode_(std::move(inode)), kind_(kind) {}
  void release();

  InodePtr inode_;
  Kind kind_ = Kind::kNone;
};

}  // namespace runsc
