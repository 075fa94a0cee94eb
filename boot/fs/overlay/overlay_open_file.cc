#include "boot/fs/overlay/overlay_open_file.h"

#include <dirent.h>
#include <sys/uio.h>

#include "boot/base/checked.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

constexpr int kRwfNoAppend = 0x20;  // RWF_NOAPPEND
constexpr int kPassedOn = O_ACCMODE | O_DIRECT | O_NOATIME | O_SYNC;

}  // namespace

Result<FilePtr> OverlayOpenFile::make(const VfsPath& path, OpenFlags flags, std::shared_ptr<OverlayFile> file) {
  FilePtr lower, upper;
  if (const InodePtr changed = file->upper())
    upper = TRY(file->overlay().open_upper(changed, {flags.bits & kPassedOn}));
  else
    lower = TRY(file->overlay().open_lower(file->lower(), {O_RDONLY}));
  return FilePtr(std::make_shared<OverlayOpenFile>(path, flags, std::move(file), std::move(lower), std::move(upper)));
}

OverlayOpenFile::OverlayOpenFile(const VfsPath& path, OpenFlags flags, std::shared_ptr<OverlayFile> file, FilePtr lower,
                                 FilePtr upper)
    : FileDescription(path, flags),
      file_(std::move(file)),
      lower_(std::move(lower)),
      upper_(upper),
      published_upper_(upper.get()) {}

FileDescription& OverlayOpenFile::current() const {
  if (FileDescription* const upper = published_upper_.load(std::memory_order_acquire)) return *upper;
  const InodePtr changed = file_->upper();
  if (!changed) return *lower_;
  auto upper = upper_.lock();
  if (!*upper) {
    auto opened = file_->overlay().open_upper(changed, {O_RDONLY});
    if (!opened.ok()) return *lower_;
    *upper = std::move(*opened);
    published_upper_.store(upper->get(), std::memory_order_release);
  }
  return **upper;
}

Result<std::size_t> OverlayOpenFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return current().read(sink, offset, rwf);
  auto position = position_.lock();
  const std::size_t count = TRY(current().read(sink, position->offset, rwf));
  position->offset += count;
  return count;
}

Result<std::size_t> OverlayOpenFile::write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) {
  if (flags().append() && (rwf & kRwfNoAppend) == 0) rwf |= RWF_APPEND;
  if (offset) return current().write(source, offset, rwf);
  auto position = position_.lock();
  const std::size_t count = TRY(current().write(source, position->offset, rwf));
  position->offset = (rwf & RWF_APPEND) != 0 ? TRY(current().attributes()).size : position->offset + count;
  return count;
}

Result<std::int64_t> OverlayOpenFile::seek(std::int64_t offset, int whence) {
  std::int64_t base = 0;
  if (whence == SEEK_END) base = static_cast<std::int64_t>(TRY(attributes()).size);
  if (whence == SEEK_DATA || whence == SEEK_HOLE) offset = TRY(current().seek(offset, whence));
  auto position = position_.lock();
  if (whence == SEEK_CUR) base = static_cast<std::int64_t>(position->offset);
  const auto target = checked_add(base, offset);
  if (!target) return Errno(EOVERFLOW);
  if (*target < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(*target);
  return *target;
}

Result<std::int64_t> OverlayOpenFile::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  return current().ioctl(task, command, argument);
}

Result<void> OverlayOpenFile::truncate(std::uint64_t size) {
  AttributeChange change;
  change.size = size;
  return file_->set_attributes(change);
}

Result<void> OverlayOpenFile::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  return current().allocate(mode, offset, length);
}

Result<void> OverlayOpenFile::sync(bool data_only) { return current().sync(data_only); }

Result<void> OverlayOpenFile::sync_range(std::uint64_t offset, std::uint64_t length, unsigned flags) {
  return current().sync_range(offset, length, flags);
}

Result<FileMapping> OverlayOpenFile::map(std::uint64_t offset, std::uint64_t length, bool shared_writable) {
  return current().map(offset, length, shared_writable);
}

int OverlayOpenFile::host_fd() const { return current().host_fd(); }

Result<std::int64_t> OverlayOpenDirectory::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(position->offset);
  if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(offset);
  return offset;
}

// Not under the position's lock: listing the lower directory takes one of the same level.
Result<void> OverlayOpenDirectory::refresh() {
  const FileAttributes own = TRY(directory_->attributes());
  const DentryPtr parent = path().dentry->parent();
  const FileAttributes above = parent ? TRY(parent->inode_pointer()->attributes()) : own;
  std::vector<OverlayDirectory::Listed> listed{{".", own.inode, DT_DIR}, {"..", above.inode, DT_DIR}};
  for (OverlayDirectory::Listed& entry : TRY(directory_->list())) listed.push_back(std::move(entry));
  auto position = position_.lock();
  listed_ = std::move(listed);
  return {};
}

Result<void> OverlayOpenDirectory::read_directory(DirectorySink& sink) {
  if (path().dentry->deleted()) return Errno(ENOENT);
  bool fresh;
  {
    auto position = position_.lock();
    fresh = position->offset == 0 || listed_.empty();
  }
  if (fresh) TRY(refresh());
  auto position = position_.lock();
  while (position->offset < listed_.size()) {
    const OverlayDirectory::Listed& entry = listed_[position->offset];
    if (!sink.add(entry.name, entry.inode, entry.type, static_cast<std::int64_t>(position->offset + 1))) break;
    ++position->offset;
  }
  return {};
}

}  // namespace runsc
