#include "boot/fs/gofer/gofer_files.h"

#include <dirent.h>
#include <sys/uio.h>

#include <array>
#include <limits>

#include "boot/base/checked.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

// On the stack of a task thread.
using Buffer = std::array<std::byte, 64 << 10>;

constexpr std::uint64_t kMaxOffset = std::numeric_limits<std::int64_t>::max();

// Flags of preadv2(2) and pwritev2(2) that mean on the host what they mean here.
constexpr int kHostFlags = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT;

}  // namespace

GoferRegularFile::GoferRegularFile(VfsPath path, OpenFlags flags, std::shared_ptr<GoferInode> inode,
                                   DonatedFilePtr host)
    : FileDescription(std::move(path), flags), inode_(std::move(inode)), host_(std::move(host)) {}

Result<std::size_t> GoferRegularFile::read_at(IoSink& sink, std::uint64_t offset, int rwf) {
  Buffer buffer;
  std::size_t total = 0;
  while (sink.remaining() != 0) {
    const iovec vector{buffer.data(), std::min(buffer.size(), sink.remaining())};
    const ssize_t count = ::preadv2(host_fd(), &vector, 1, static_cast<off_t>(offset + total), rwf & kHostFlags);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return total != 0 ? Result<std::size_t>(total) : Result<std::size_t>(last_errno());
    if (count == 0) break;
    const Result<std::size_t> taken = sink.put(std::span(buffer).first(static_cast<std::size_t>(count)));
    if (!taken.ok()) return total != 0 ? Result<std::size_t>(total) : taken;
    total += *taken;
    if (*taken < static_cast<std::size_t>(count) || static_cast<std::size_t>(count) < vector.iov_len) break;
  }
  return total;
}

Result<std::size_t> GoferRegularFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return read_at(sink, *offset, rwf);
  auto position = position_.lock();
  const std::size_t count = TRY(read_at(sink, position->offset, rwf));
  position->offset += count;
  return count;
}

// Moves `offset` to the end of what was written (for O_APPEND: the end of the file).
Result<std::size_t> GoferRegularFile::write_at(IoSource& source, std::uint64_t& offset, int rwf) {
  const bool append = flags().append() || (rwf & RWF_APPEND) != 0;
  int host_flags = (rwf & kHostFlags) | (append ? RWF_APPEND : 0);
  if ((flags().bits & O_DSYNC) != 0) host_flags |= flags().has(O_SYNC) ? RWF_SYNC : RWF_DSYNC;
  Buffer buffer;
  std::size_t total = 0;
  while (source.remaining() != 0) {
    const std::size_t length = std::min(buffer.size(), source.remaining());
    const Result<std::size_t> got = source.take(std::span(buffer).first(length));
    if (!got.ok()) return total != 0 ? Result<std::size_t>(total) : got;
    const iovec vector{buffer.data(), *got};
    ssize_t count = 0;
    do count = ::pwritev2(host_fd(), &vector, 1, static_cast<off_t>(offset), host_flags);
    while (count < 0 && errno == EINTR);
    if (count < 0) return total != 0 ? Result<std::size_t>(total) : Result<std::size_t>(last_errno());
    total += static_cast<std::size_t>(count);
    offset += static_cast<std::uint64_t>(count);
    if (static_cast<std::size_t>(count) < *got || *got < length) break;
  }
  if (append) offset = TRY(size());
  return total;
}

Result<std::size_t> GoferRegularFile::write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return write_at(source, *offset, rwf);
  auto position = position_.lock();
  return write_at(source, position->offset, rwf);
}

Result<std::uint64_t> GoferRegularFile::size() const {
  struct stat now {};
  if (::fstat(host_fd(), &now) != 0) return last_errno();
  return static_cast<std::uint64_t>(now.st_size);
}

Result<std::int64_t> GoferRegularFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  std::int64_t base = 0;
  switch (whence) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = static_cast<std::int64_t>(position->offset);
      break;
    case SEEK_END:
      base = static_cast<std::int64_t>(TRY(size()));
      break;
    case SEEK_DATA:
    case SEEK_HOLE: {
      // The host's position is nobody's: every use of the descriptor names its offset.
      const off_t found = ::lseek(host_fd(), offset, whence);
      if (found < 0) return last_errno();
      position->offset = static_cast<std::uint64_t>(found);
      return found;
    }
    default:
      return Errno(EINVAL);
  }
  const auto target = checked_add(base, offset);
  if (!target) return Errno(EOVERFLOW);
  if (*target < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(*target);
  return *target;
}

Result<void> GoferRegularFile::truncate(std::uint64_t size) {
  if (size > kMaxOffset) return Errno(EINVAL);
  if (::ftruncate(host_fd(), static_cast<off_t>(size)) != 0) return last_errno();
  return {};
}

Result<void> GoferRegularFile::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  if (::fallocate(host_fd(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) return last_errno();
  return {};
}

Result<void> GoferRegularFile::sync(bool data_only) {
  if ((data_only ? ::fdatasync(host_fd()) : ::fsync(host_fd())) != 0) return last_errno();
  return {};
}

Result<void> GoferRegularFile::sync_range(std::uint64_t offset, std::uint64_t length, unsigned flags) {
  if (::sync_file_range(host_fd(), static_cast<off64_t>(offset), static_cast<off64_t>(length), flags) != 0)
    return last_errno();
  return {};
}

Result<FileMapping> GoferRegularFile::map(std::uint64_t offset, std::uint64_t length, bool shared_writable) {
  if (shared_writable && !host_->writable) return Errno(EACCES);
  return FileMapping{{{host_fd(), offset, length}}};
}

bool GoferDirectoryFile::emit_dots(DirectorySink& sink, std::uint64_t& position) {
  const auto number_of = [](const DentryPtr& dentry) -> std::uint64_t {
    const InodePtr inode = dentry ? dentry->inode() : nullptr;
    const Result<FileAttributes> attributes = inode ? inode->attributes() : Errno(ENOENT);
    return attributes.ok() ? attributes->inode : 0;
  };
  const DentryPtr self = path().dentry;
  if (position == 0) {
    if (!sink.add(".", number_of(self), DT_DIR, 1)) return false;
    position = 1;
  }
  if (position == 1) {
    const DentryPtr parent = self->parent();
    if (!sink.add("..", number_of(parent ? parent : self), DT_DIR, 2)) return false;
    position = 2;
  }
  return true;
}

// Positions 0 and 1 are before "." and ".."; 2 is the gofer's cookie 0; every other one is the cookie itself, which
// hosts give from 3 on.
Result<void> GoferDirectoryFile::fetch(std::uint64_t position) {
  auto& directory = static_cast<GoferInode&>(*inode());
  ahead_ = {};
  const std::uint64_t cookie = position == 2 ? 0 : position;
  ahead_.batch = TRY(directory.gofer().connection().read_directory(directory.remote(), cookie));
  ahead_.offset = position;
  return {};
}

Result<void> GoferDirectoryFile::read_directory(DirectorySink& sink) {
  auto position = position_.lock();
  if (!emit_dots(sink, position->offset)) return {};
  for (;;) {
    if (ahead_.offset != position->offset) TRY(fetch(position->offset));
    gofer::DirectoryBatch& batch = ahead_.batch;
    for (; ahead_.next < batch.entries.size(); ++ahead_.next) {
      const gofer::RemoteEntry& entry = batch.entries[ahead_.next];
      if (!sink.add(entry.name, entry.inode, entry.type, static_cast<std::int64_t>(entry.cookie))) return {};
      position->offset = ahead_.offset = entry.cookie;
    }
    if (batch.next_cookie != 0) position->offset = batch.next_cookie;
    const bool end = batch.end;
    ahead_ = {};
    if (end) return {};
  }
}

Result<std::int64_t> GoferDirectoryFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence == SEEK_CUR && offset == 0) return static_cast<std::int64_t>(position->offset);
  if (whence != SEEK_SET || offset < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(offset);
  if (offset == 0) ahead_ = {};  // rewinddir(3) shows what was made since
  return offset;
}

Result<void> GoferDirectoryFile::sync(bool) {
  auto& directory = static_cast<GoferInode&>(*inode());
  return directory.gofer().connection().synchronize(directory.remote());
}

}  // namespace runsc
