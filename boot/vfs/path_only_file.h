// What open(2) with O_PATH yields: a place, nothing that can be read.
#pragma once

#include "boot/vfs/file_description.h"

namespace runsc {

class PathOnlyFile : public FileDescription {
 public:
  PathOnlyFile(VfsPath path, OpenFlags flags)
      : FileDescription(std::move(path), {flags.bits & (O_PATH | O_DIRECTORY | O_NOFOLLOW)}) {}

  Result<void> set_flags(int) override { return Errno(EBADF); }
  Result<std::size_t> read(IoSink&, std::optional<std::uint64_t>, int) override { return Errno(EBADF); }
  Result<std::size_t> write(IoSource&, std::optional<std::uint64_t>, int) override { return Errno(EBADF); }
  Result<std::int64_t> seek(std::int64_t, int) override { return Errno(EBADF); }
  Result<void> read_directory(DirectorySink&) override { return Errno(EBADF); }
  Result<std::int64_t> ioctl(CurrentTask&, std::uint32_t, std::uint64_t) override { return Errno(EBADF); }
  Result<void> truncate(std::uint64_t) override { return Errno(EBADF); }
  Result<void> allocate(int, std::uint64_t, std::uint64_t) override { return Errno(EBADF); }
  Result<void> sync(bool) override { return Errno(EBADF); }
  Result<void> sync_range(std::uint64_t, std::uint64_t, unsigned) override { return Errno(EBADF); }
  Result<FileMapping> map(std::uint64_t, std::uint64_t, bool) override { return Errno(EBADF); }
};

}  // namespace runsc
