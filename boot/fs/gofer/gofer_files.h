// Open files of a gofer: regular ones work on the host descriptor that the gofer has donated, directories ask it.
#pragma once

#include "boot/fs/gofer/gofer_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class GoferRegularFile : public FileDescription {
 public:
  GoferRegularFile(VfsPath path, OpenFlags flags, std::shared_ptr<GoferInode> inode, DonatedFilePtr host);

  InodePtr inode() const override { return inode_; }
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<void> sync(bool data_only) override;
  Result<void> sync_range(std::uint64_t offset, std::uint64_t length, unsigned flags) override;
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable) override;
  int host_fd() const override { return host_->descriptor.get(); }

 private:
  Result<std::size_t> read_at(IoSink& sink, std::uint64_t offset, int rwf);
  Result<std::size_t> write_at(IoSource& source, std::uint64_t& offset, int rwf);
  Result<std::uint64_t> size() const;

  std::shared_ptr<GoferInode> inode_;
  DonatedFilePtr host_;
};

class GoferDirectoryFile : public FileDescription {
 public:
  GoferDirectoryFile(VfsPath path, OpenFlags flags) : FileDescription(std::move(path), flags) {}

  Result<void> read_directory(DirectorySink& sink) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> sync(bool data_only) override;

 private:
  // What the gofer gave and no program has seen yet. Some hosts' cookies count the entries (overlayfs): to ask again
  // from the middle, after a program removed what it was shown, would leave others out.
  struct Ahead {
    gofer::DirectoryBatch batch;
    std::size_t next = 0;      // index of an entry of the batch
    std::uint64_t offset = 0;  // the position of that entry; 0: nothing is held
  };

  // Emits "." and ".."; false when the sink is full.
  bool emit_dots(DirectorySink& sink, std::uint64_t& position);
  Result<void> fetch(std::uint64_t position);

  Ahead ahead_;  // under position_'s lock
};

}  // namespace runsc
