#include "boot/vfs/file_description.h"

#include "boot/vfs/dentry.h"
#include "boot/vfs/file_leases.h"
#include "boot/vfs/file_locks.h"
#include "boot/vfs/inode_watches.h"

namespace runsc {
namespace {

// Act at open(2) only and are not remembered.
constexpr int kOpenOnly = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;
// What F_SETFL may change.
constexpr int kChangeable = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

// Leases and F_NOTIFY.
void end_notices(const FileDescription& file) {
  Inode& inode = *file.path().dentry->inode_pointer();
  if (inode.has_leases()) (void)inode.leases().remove(file);
  if (!inode.has_watches()) return;
  if (const InodeWatchPtr watch = inode.watches().find(&file)) inode.watches().remove(*watch);
}

}  // namespace

FileDescription::FileDescription(VfsPath path, OpenFlags flags)
    : flags_(flags.bits & ~kOpenOnly), path_(std::move(path)) {}

FileDescription::~FileDescription() {
  if (has_locked_inode_.load(std::memory_order_acquire)) {
    const InodePtr inode = *locked_inode_.lock();
    (void)inode->locks().flock(this, LockType::kUnlock);
    inode->locks().release_records({this, true});
  }
  if (has_notices_.load(std::memory_order_acquire) && path_) end_notices(*this);
  if (!flags().path_only()) notify_file(*this, flags().writable() ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

InodePtr FileDescription::inode() const { return path_ ? path_.dentry->inode() : nullptr; }

Result<void> FileDescription::set_flags(int changed_flags) {
  int old = flags_.load();
  while (!flags_.compare_exchange_weak(old, (old & ~kChangeable) | (changed_flags & kChangeable))) {
  }
  return {};
}

Result<FileAttributes> FileDescription::attributes() {
  const InodePtr object = inode();
  if (!object) return Errno(EBADF);
  return object->attributes();
}

Result<std::size_t> FileDescription::read(IoSink&, std::optional<std::uint64_t>, int) { return Errno(EINVAL); }
Result<std::size_t> FileDescription::write(IoSource&, std::optional<std::uint64_t>, int) { return Errno(EINVAL); }
Result<std::int64_t> FileDescription::seek(std::int64_t, int) { return Errno(ESPIPE); }
Result<void> FileDescription::read_directory(DirectorySink&) { return Errno(ENOTDIR); }
Result<std::int64_t> FileDescription::ioctl(CurrentTask&, std::uint32_t, std::uint64_t) { return Errno(ENOTTY); }
Result<void> FileDescription::truncate(std::uint64_t) { return Errno(EINVAL); }
Result<void> FileDescription::allocate(int, std::uint64_t, std::uint64_t) { return Errno(ENODEV); }
Result<void> FileDescription::sync(bool) { return Errno(EINVAL); }
Result<void> FileDescription::sync_range(std::uint64_t, std::uint64_t, unsigned) { return Errno(ESPIPE); }
Result<FileMapping> FileDescription::map(std::uint64_t, std::uint64_t, bool) { return Errno(ENODEV); }

EventMask FileDescription::readiness(EventMask interest) {
  return interest & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

FileDescription::AsyncOwner FileDescription::async_owner() const { return *async_owner_.lock(); }
void FileDescription::set_async_owner(const AsyncOwner& owner) { *async_owner_.lock() = owner; }

Result<FileLocks*> FileDescription::locks() {
  const InodePtr object = inode();
  if (!object) return Errno(EBADF);
  if (!has_locked_inode_.load(std::memory_order_acquire)) {
    *locked_inode_.lock() = object;
    has_locked_inode_.store(true, std::memory_order_release);
  }
  return &object->locks();
}

}  // namespace runsc
