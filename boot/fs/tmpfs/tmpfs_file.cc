#include "boot/fs/tmpfs/tmpfs_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mount.h>
#include <sys/uio.h>

#include "boot/vfs/file_description.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

constexpr int kSealFutureWrite = 0x10;  // F_SEAL_FUTURE_WRITE
constexpr int kSealExec = 0x20;         // F_SEAL_EXEC

class TmpfsFileDescription : public FileDescription {
 public:
  TmpfsFileDescription(const VfsPath& path, OpenFlags flags, std::shared_ptr<TmpfsFile> file)
      : FileDescription(path, flags), file_(std::move(file)) {}

  InodePtr inode() const override { return file_; }
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length) override {
    return file_->allocate(mode, offset, length);
  }
  Result<void> sync(bool) override { return {}; }
  Result<void> sync_range(std::uint64_t, std::uint64_t, unsigned) override { return {}; }
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable) override {
    return file_->map(offset, length, shared_writable);
  }
  Result<int> seals() override { return file_->seals(); }
  Result<void> add_seals(int seals) override {
    if (!flags().writable()) return Errno(EPERM);
    return file_->add_seals(seals);
  }

 private:
  bool notes_access() const {
    return !flags().has(O_NOATIME) && (path().mount->flags() & (MS_NOATIME | MS_RDONLY)) == 0;
  }
  std::shared_ptr<TmpfsFile> file_;
};

Result<std::size_t> TmpfsFileDescription::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return file_->read(sink, *offset, notes_access());
  auto position = position_.lock();
  const std::size_t count = TRY(file_->read(sink, position->offset, notes_access()));
  position->offset += count;
  return count;
}

Result<std::size_t> TmpfsFileDescription::write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) {
  const bool append = (flags().append() && (rwf & 0x20) == 0) || (rwf & RWF_APPEND) != 0;  // RWF_NOAPPEND
  std::uint64_t at = 0;
  if (offset) return file_->write(source, append ? std::nullopt : offset, at);
  auto position = position_.lock();
  const std::size_t count = TRY(file_->write(source, append ? std::nullopt : std::optional(position->offset), at));
  position->offset = at + count;
  return count;
}

Result<std::int64_t> TmpfsFileDescription::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  std::optional<std::int64_t> target;
  switch (whence) {
    case SEEK_SET:
      target = offset;
      break;
    case SEEK_CUR:
      target = checked_add<std::int64_t>(position->offset, offset);
      break;
    case SEEK_END:
      target = checked_add<std::int64_t>(file_->size(), offset);
      break;
    case SEEK_DATA:
    case SEEK_HOLE:
      if (offset < 0) return Errno(ENXIO);
      target = TRY(whence == SEEK_DATA ? file_->seek_data(offset) : file_->seek_hole(offset));
      break;
    default:
      return Errno(EINVAL);
  }
  if (!target) return Errno(EOVERFLOW);
  if (*target < 0) return Errno(EINVAL);
  position->offset = *target;
  return *target;
}

Result<void> TmpfsFileDescription::truncate(std::uint64_t size) {
  AttributeChange change;
  change.size = size;
  return file_->set_attributes(change);
}

bool earlier(const timespec& a, const timespec& b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec);
}

}  // namespace

TmpfsFile::TmpfsFile(TmpfsFileSystem& file_system, const NewFile& file, std::uint32_t links)
    : TmpfsInode(file_system, file, S_IFREG, links),
      never_named_(links == 0),
      pages_(file_system.memory(), file_system.pages()) {}

Result<FilePtr> TmpfsFile::open(const VfsPath& path, OpenFlags flags) {
  return FilePtr(
      std::make_shared<TmpfsFileDescription>(path, flags, std::static_pointer_cast<TmpfsFile>(shared_from_this())));
}

void TmpfsFile::fill(FileAttributes& file) {
  file.size = pages_.size();
  file.blocks = pages_.page_count() * (kPageSize / 512);
}

Result<std::size_t> TmpfsFile::read(IoSink& sink, std::uint64_t offset, bool note_access) {
  auto meta = meta_.lock();
  const std::size_t count = TRY(pages_.read(sink, offset));
  if (note_access && (earlier(meta->access_time, meta->modify_time) || earlier(meta->access_time, meta->change_time)))
    meta->access_time = now();
  return count;
}

Result<std::size_t> TmpfsFile::write(IoSource& source, std::optional<std::uint64_t> offset, std::uint64_t& at) {
  auto meta = meta_.lock();
  at = offset.value_or(pages_.size());
  if (source.remaining() == 0) return std::size_t{0};
  if ((seals_ & (F_SEAL_WRITE | kSealFutureWrite)) != 0) return Errno(EPERM);
  if ((seals_ & F_SEAL_GROW) != 0 && at + source.remaining() > pages_.size()) return Errno(EPERM);
  const std::size_t count = TRY(pages_.write(source, at));
  note_size();
  touch(*meta);
  return count;
}

Result<std::uint64_t> TmpfsFile::seek_data(std::uint64_t offset) {
  auto meta = meta_.lock();
  return pages_.seek_data(offset);
}

Result<std::uint64_t> TmpfsFile::seek_hole(std::uint64_t offset) {
  auto meta = meta_.lock();
  return pages_.seek_hole(offset);
}

std::uint64_t TmpfsFile::size() {
  auto meta = meta_.lock();
  return pages_.size();
}

Result<void> TmpfsFile::resize_locked(std::uint64_t size) {
  if (size > FilePages::kMaxSize) return Errno(EFBIG);
  if ((seals_ & F_SEAL_SHRINK) != 0 && size < pages_.size()) return Errno(EPERM);
  if ((seals_ & F_SEAL_GROW) != 0 && size > pages_.size()) return Errno(EPERM);
  pages_.resize(size);
  note_size();
  return {};
}

void TmpfsFile::note_size() {
  if (mappers_ != nullptr) mappers_->set_size(pages_.size());
}

void TmpfsFile::resized() {
  const auto mappers = [&] {
    auto meta = meta_.lock();
    return mappers_;
  }();
  if (mappers != nullptr) mappers->tell_resized();
}

Result<void> TmpfsFile::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  TRY(change_space(mode, offset, length));
  if ((mode & FALLOC_FL_KEEP_SIZE) == 0) resized();
  return {};
}

Result<void> TmpfsFile::change_space(int mode, std::uint64_t offset, std::uint64_t length) {
  const bool keep_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int action = mode & ~FALLOC_FL_KEEP_SIZE;
  if (action != 0 && action != FALLOC_FL_PUNCH_HOLE && action != FALLOC_FL_ZERO_RANGE) return Errno(EOPNOTSUPP);
  if (action == FALLOC_FL_PUNCH_HOLE && !keep_size) return Errno(EOPNOTSUPP);
  const std::uint64_t end = offset + length;
  if (end > FilePages::kMaxSize) return Errno(EFBIG);
  auto meta = meta_.lock();
  if (action != 0 && (seals_ & (F_SEAL_WRITE | kSealFutureWrite)) != 0) return Errno(EPERM);
  if ((seals_ & F_SEAL_GROW) != 0 && !keep_size && end > pages_.size()) return Errno(EPERM);
  if (action != 0) pages_.punch(offset, length);
  if (action != FALLOC_FL_PUNCH_HOLE) TRY(pages_.allocate(offset, length));
  if (!keep_size && end > pages_.size()) pages_.resize(end);
  note_size();
  touch(*meta);
  return {};
}

Result<FileMapping> TmpfsFile::map(std::uint64_t offset, std::uint64_t length, bool shared_writable) {
  auto meta = meta_.lock();
  if (shared_writable && (seals_ & (F_SEAL_WRITE | kSealFutureWrite)) != 0) return Errno(EPERM);
  FileMapping mapping = TRY(pages_.map(offset, length));
  if (shared_writable && sealable_) mapping.pin = writable_mappings_;
  if (mappers_ == nullptr) mappers_ = std::make_shared<FileMappers>(pages_.size());
  mapping.mappers = mappers_;
  return mapping;
}

void TmpfsFile::make_sealable(int initial) {
  auto meta = meta_.lock();
  sealable_ = true;
  seals_ = initial;
}

Result<int> TmpfsFile::seals() {
  auto meta = meta_.lock();
  if (!sealable_) return Errno(EINVAL);
  return int{seals_};
}

Result<void> TmpfsFile::add_seals(int seals) {
  constexpr int kAll = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | kSealFutureWrite | kSealExec;
  if ((seals & ~kAll) != 0) return Errno(EINVAL);
  auto meta = meta_.lock();
  if (!sealable_) return Errno(EINVAL);
  if ((seals_ & F_SEAL_SEAL) != 0) return Errno(EPERM);
  if ((seals & F_SEAL_WRITE) != 0 && writable_mappings_.use_count() > 1) return Errno(EBUSY);
  seals_ |= seals;
  return {};
}

}  // namespace runsc
