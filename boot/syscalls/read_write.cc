// read(2), write(2), their vectored and positioned relatives, lseek(2).
#include <sys/uio.h>

#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr int kRwfNoAppend = 0x20;  // RWF_NOAPPEND
constexpr int kRwfKnown = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | kRwfNoAppend;

Result<AddressSpace::Range> buffer(std::uint64_t address, std::size_t size) {
  if (!checked_add<std::uint64_t>(address, size)) return Errno(EFAULT);
  return AddressSpace::Range{address, std::min(size, kMaxTransfer)};
}

Result<std::optional<std::uint64_t>> offset_of(std::int64_t offset) {
  if (offset < 0) return Errno(EINVAL);
  return std::optional<std::uint64_t>(offset);
}

Result<long> read_vector(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                         std::optional<std::uint64_t> offset, int rwf) {
  const FilePtr file = TRY(readable_file(task, fd));
  UserSink sink(task.user_memory(), TRY(read_iovec(task, vectors, count)));
  return static_cast<long>(TRY(read_file(task, *file, sink, offset, rwf)));
}

Result<long> write_vector(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                          std::optional<std::uint64_t> offset, int rwf) {
  const FilePtr file = TRY(writable_file(task, fd));
  UserSource source(task.user_memory(), TRY(read_iovec(task, vectors, count)));
  return static_cast<long>(TRY(write_file(task, *file, source, offset, rwf)));
}

// The offset of preadv2(2): -1 is the file position.
Result<std::optional<std::uint64_t>> offset_or_position(std::uint64_t offset) {
  if (offset == ~0ULL) return std::optional<std::uint64_t>();
  return offset_of(static_cast<std::int64_t>(offset));
}

}  // namespace

Result<long> sys_read(CurrentTask& task, Fd fd, UserOut<std::byte> to, std::size_t size) {
  const FilePtr file = TRY(readable_file(task, fd));
  UserSink sink(task.user_memory(), TRY(buffer(to.value, size)));
  return static_cast<long>(TRY(read_file(task, *file, sink, std::nullopt, 0)));
}

Result<long> sys_write(CurrentTask& task, Fd fd, UserIn<std::byte> from, std::size_t size) {
  const FilePtr file = TRY(writable_file(task, fd));
  UserSource source(task.user_memory(), TRY(buffer(from.value, size)));
  return static_cast<long>(TRY(write_file(task, *file, source, std::nullopt, 0)));
}

Result<long> sys_pread64(CurrentTask& task, Fd fd, UserOut<std::byte> to, std::size_t size, std::int64_t offset) {
  const auto at = TRY(offset_of(offset));
  const FilePtr file = TRY(readable_file(task, fd));
  UserSink sink(task.user_memory(), TRY(buffer(to.value, size)));
  return static_cast<long>(TRY(read_file(task, *file, sink, at, 0)));
}

Result<long> sys_pwrite64(CurrentTask& task, Fd fd, UserIn<std::byte> from, std::size_t size, std::int64_t offset) {
  const auto at = TRY(offset_of(offset));
  const FilePtr file = TRY(writable_file(task, fd));
  UserSource source(task.user_memory(), TRY(buffer(from.value, size)));
  return static_cast<long>(TRY(write_file(task, *file, source, at, 0)));
}

Result<long> sys_readv(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count) {
  return read_vector(task, fd, vectors, count, std::nullopt, 0);
}

Result<long> sys_writev(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count) {
  return write_vector(task, fd, vectors, count, std::nullopt, 0);
}

// The offset is one register on 64-bit machines; `high` is ignored, as Linux does.
Result<long> sys_preadv(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                        std::uint64_t offset, std::uint64_t) {
  return read_vector(task, fd, vectors, count, TRY(offset_of(static_cast<std::int64_t>(offset))), 0);
}

Result<long> sys_pwritev(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                         std::uint64_t offset, std::uint64_t) {
  return write_vector(task, fd, vectors, count, TRY(offset_of(static_cast<std::int64_t>(offset))), 0);
}

Result<long> sys_preadv2(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                         std::uint64_t offset, std::uint64_t, int flags) {
  if ((flags & ~kRwfKnown) != 0) return Errno(EOPNOTSUPP);
  return read_vector(task, fd, vectors, count, TRY(offset_or_position(offset)), flags);
}

Result<long> sys_pwritev2(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count,
                          std::uint64_t offset, std::uint64_t, int flags) {
  if ((flags & ~kRwfKnown) != 0) return Errno(EOPNOTSUPP);
  if ((flags & RWF_APPEND) != 0 && (flags & kRwfNoAppend) != 0) return Errno(EINVAL);
  return write_vector(task, fd, vectors, count, TRY(offset_or_position(offset)), flags);
}

Result<long> sys_lseek(CurrentTask& task, Fd fd, std::int64_t offset, int whence) {
  const FilePtr file = TRY(task.io_file(fd));
  if (whence < SEEK_SET || whence > SEEK_HOLE) return Errno(EINVAL);
  return static_cast<long>(TRY(file->seek(offset, whence)));
}

}  // namespace runsc
