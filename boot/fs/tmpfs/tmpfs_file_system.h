// One mounted instance of tmpfs.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "boot/fs/tmpfs/space.h"
#include "boot/memory/memory_file.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// The options of mount(2): size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=.
struct TmpfsOptions {
  std::uint64_t max_pages = 0;   // 0: no limit
  std::uint64_t max_inodes = 0;  // 0: no limit
  std::uint32_t mode = 01777;
  Uid uid{};
  Gid gid{};

  // Linux's: half of the memory.
  static TmpfsOptions defaults();
  // Changes what `text` names. EINVAL.
  Result<void> parse(std::string_view text);
};

class TmpfsFileSystem : public FileSystem {
 public:
  static std::shared_ptr<TmpfsFileSystem> create(std::shared_ptr<MemoryFile> memory, const TmpfsOptions& options);
  ~TmpfsFileSystem() override;

  std::string_view type_name() const override { return "tmpfs"; }
  InodePtr root() override;
  Result<struct statfs> statistics() override;
  std::string show_options() const override;
  Result<void> remount(std::string_view options) override;

  MemoryFile& memory() { return *memory_; }
  Quota& pages() { return pages_; }
  Quota& inodes() { return inodes_; }
  std::uint64_t next_inode() { return next_inode_.fetch_add(1, std::memory_order_relaxed); }

 private:
  TmpfsFileSystem(std::shared_ptr<MemoryFile> memory, const TmpfsOptions& options);

  std::shared_ptr<MemoryFile> memory_;
  const TmpfsOptions options_;
  Quota pages_;
  Quota inodes_;
  std::atomic<std::uint64_t> next_inode_{1};
  InodePtr root_;  // ends first: inodes use the rest
};

// An unlinked file of `file_system`: memfd_create(2), and shared anonymous memory. `name` is what /proc shows.
Result<FilePtr> make_anonymous_file(const std::shared_ptr<TmpfsFileSystem>& file_system, std::string_view name,
                                    std::uint64_t size, bool seals);

// Makes tmpfs (and ramfs) mountable, and serves VfsServices::make_memory_file, all out of `memory`.
void register_tmpfs(VfsServices& services, const std::shared_ptr<MemoryFile>& memory);

}  // namespace runsc
