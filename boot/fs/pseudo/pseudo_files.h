// Open files of pseudo_inode.h.
#pragma once

#include "boot/fs/pseudo/pseudo_inode.h"

namespace runsc {

// Reads a text that is made by the first read, and anew whenever it is read from offset 0.
class TextFile : public FileDescription {
 public:
  TextFile(VfsPath path, OpenFlags flags, std::shared_ptr<TextInode> inode)
      : FileDescription(std::move(path), flags), inode_(std::move(inode)) {}

  InodePtr inode() const override { return inode_; }
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> truncate(std::uint64_t) override { return {}; }

 private:
  Result<void> refresh(std::uint64_t offset);
  Result<std::size_t> copy(IoSink& sink, std::uint64_t offset);

  std::shared_ptr<TextInode> inode_;
  Guarded<std::optional<std::string>, LockLevel::kFsInternal> snapshot_;
};

// Lists a directory as it was when the listing began.
class PseudoDirectoryFile : public FileDescription {
 public:
  PseudoDirectoryFile(VfsPath path, OpenFlags flags, std::shared_ptr<PseudoDirectory> inode)
      : FileDescription(std::move(path), flags), inode_(std::move(inode)) {}

  InodePtr inode() const override { return inode_; }
  Result<void> read_directory(DirectorySink& sink) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;

 private:
  std::shared_ptr<PseudoDirectory> inode_;
  // Guarded by the position's lock.
  std::vector<PseudoEntry> entries_;
};

}  // namespace runsc
