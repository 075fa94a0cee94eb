// Regular files of tmpfs.
#pragma once

#include "boot/fs/tmpfs/file_pages.h"
#include "boot/fs/tmpfs/tmpfs_inode.h"

namespace runsc {

class TmpfsFile : public TmpfsInode {
 public:
  // `links`: 0 for a file without a name (O_TMPFILE, memfd_create(2)).
  TmpfsFile(TmpfsFileSystem& file_system, const NewFile& file, std::uint32_t links);

  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
  bool never_named() const { return never_named_; }

  // The operations of open files. `note_access`: atime changes, as relatime has it.
  Result<std::size_t> read(IoSink& sink, std::uint64_t offset, bool note_access);
  // At the end of the file when `offset` is empty (O_APPEND); returns where it began in `at`. EPERM: sealed.
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, std::uint64_t& at);
  Result<std::uint64_t> seek_data(std::uint64_t offset);
  Result<std::uint64_t> seek_hole(std::uint64_t offset);
  std::uint64_t size();
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length);
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable);
  // F_GET_SEALS, F_ADD_SEALS. EINVAL: not a memfd.
  Result<int> seals();
  Result<void> add_seals(int seals);
  // memfd_create(2): without MFD_ALLOW_SEALING the first seal is F_SEAL_SEAL.
  void make_sealable(int initial);

 private:
  void fill(FileAttributes& file) override;
  Result<void> resize_locked(std::uint64_t size) override;
  void resized() override;
  void note_size();
  Result<void> change_space(int mode, std::uint64_t offset, std::uint64_t length);

  const bool never_named_;
  // Guarded by meta_'s lock.
  FilePages pages_;
  bool sealable_ = false;
  int seals_ = 0;
  // Made by the first map().
  std::shared_ptr<FileMappers> mappers_;
  // Its use count tells how many writable mappings there are.
  std::shared_ptr<int> writable_mappings_ = std::make_shared<int>(0);
};

}  // namespace runsc
