// Open files and directories of the overlay.
#pragma once

#include <vector>

#include "boot/fs/overlay/overlay_directory.h"
#include "boot/fs/overlay/overlay_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Passes everything on to an open file of one layer: the upper one from copy-up on, even if that comes after open().
// The position is its own; layers are read and written at given offsets only. (A mapping of the lower file that was
// made before copy-up keeps showing that, as with overlayfs.)
class OverlayOpenFile : public FileDescription {
 public:
  static Result<FilePtr> make(const VfsPath& path, OpenFlags flags, std::shared_ptr<OverlayFile> file);
  OverlayOpenFile(const VfsPath& path, OpenFlags flags, std::shared_ptr<OverlayFile> file, FilePtr lower,
                  FilePtr upper);

  InodePtr inode() const override { return file_; }
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<void> sync(bool data_only) override;
  Result<void> sync_range(std::uint64_t offset, std::uint64_t length, unsigned flags) override;
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable) override;
  int host_fd() const override;

 private:
  FileDescription& current() const;

  const std::shared_ptr<OverlayFile> file_;
  const FilePtr lower_;  // null when opened after copy-up
  mutable Guarded<FilePtr, LockLevel::kOverlay> upper_;
  mutable std::atomic<FileDescription*> published_upper_;
};

// Lists names as they were when the listing began (offset 0).
class OverlayOpenDirectory : public FileDescription {
 public:
  OverlayOpenDirectory(const VfsPath& path, OpenFlags flags, std::shared_ptr<OverlayDirectory> directory)
      : FileDescription(path, flags), directory_(std::move(directory)) {}

  InodePtr inode() const override { return directory_; }
  Result<std::size_t> read(IoSink&, std::optional<std::uint64_t>, int) override { return Errno(EISDIR); }
  Result<void> sync(bool) override { return {}; }
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> read_directory(DirectorySink& sink) override;

 private:
  Result<void> refresh();

  const std::shared_ptr<OverlayDirectory> directory_;
  std::vector<OverlayDirectory::Listed> listed_;  // guarded by the position's lock
};

}  // namespace runsc
