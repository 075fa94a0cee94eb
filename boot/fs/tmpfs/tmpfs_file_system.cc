#include "boot/fs/tmpfs/tmpfs_file_system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sysinfo.h>

#include "boot/fs/mount_options.h"
#include "boot/fs/tmpfs/tmpfs_directory.h"
#include "boot/fs/tmpfs/tmpfs_file.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

std::uint64_t memory_pages() {
  struct sysinfo info {};
  ::sysinfo(&info);
  return info.totalram * info.mem_unit / kPageSize;
}

constexpr auto parse_number = parse_option_number<std::uint64_t>;

// With the suffixes k, m, g, t of memparse(9).
Result<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kSuffixes = "kmgt";
  std::uint64_t factor = 1;
  if (!text.empty()) {
    const std::size_t at = kSuffixes.find(static_cast<char>(text.back() | 0x20));
    if (at != std::string_view::npos) {
      factor = 1ULL << (10 * (at + 1));
      text.remove_suffix(1);
    }
  }
  const auto value = checked_mul(TRY(parse_number(text, 10)), factor);
  if (!value) return Errno(EINVAL);
  return *value;
}

Result<std::uint64_t> parse_pages(std::string_view text) {
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    return memory_pages() * TRY(parse_number(text, 10)) / 100;
  }
  const std::uint64_t size = TRY(parse_size(text));
  return size / kPageSize + (size % kPageSize != 0 ? 1 : 0);
}

Result<void> parse_option(TmpfsOptions& options, std::string_view name, std::string_view value) {
  if (name == "size") {
    options.max_pages = TRY(parse_pages(value));
  } else if (name == "nr_blocks") {
    options.max_pages = TRY(parse_size(value));
  } else if (name == "nr_inodes") {
    options.max_inodes = TRY(parse_size(value));
  } else if (name == "mode") {
    options.mode = TRY(parse_number(value, 8)) & 07777;
  } else if (name == "uid") {
    options.uid = Uid(TRY(parse_number(value, 10)));
  } else if (name == "gid") {
    options.gid = Gid(TRY(parse_number(value, 10)));
  } else if (name != "huge" && name != "mpol" && name != "inode32" && name != "inode64" && name != "noswap") {
    return Errno(EINVAL);
  }
  return {};
}

}  // namespace

TmpfsOptions TmpfsOptions::defaults() {
  TmpfsOptions options;
  options.max_pages = options.max_inodes = memory_pages() / 2;
  return options;
}

Result<void> TmpfsOptions::parse(std::string_view text) {
  return for_each_mount_option(
      text, [this](std::string_view name, std::string_view value) { return parse_option(*this, name, value); });
}

TmpfsFileSystem::TmpfsFileSystem(std::shared_ptr<MemoryFile> memory, const TmpfsOptions& options)
    : memory_(std::move(memory)), options_(options), pages_(options.max_pages), inodes_(options.max_inodes) {}

std::shared_ptr<TmpfsFileSystem> TmpfsFileSystem::create(std::shared_ptr<MemoryFile> memory,
                                                         const TmpfsOptions& options) {
  std::shared_ptr<TmpfsFileSystem> file_system(new TmpfsFileSystem(std::move(memory), options));
  file_system->inodes_.take(1);
  const NewFile root{options.mode, options.uid, options.gid};
  file_system->root_ = std::make_shared<TmpfsDirectory>(*file_system, root);
  return file_system;
}

TmpfsFileSystem::~TmpfsFileSystem() { root_.reset(); }

InodePtr TmpfsFileSystem::root() { return root_; }

Result<struct statfs> TmpfsFileSystem::statistics() {
  struct statfs stats {};
  stats.f_type = TMPFS_MAGIC;
  stats.f_bsize = stats.f_frsize = kPageSize;
  stats.f_namelen = 255;
  if (pages_.limit() != 0) {
    stats.f_blocks = pages_.limit();
    stats.f_bfree = stats.f_bavail = pages_.limit() - std::min(pages_.limit(), pages_.used());
  }
  if (inodes_.limit() != 0) {
    stats.f_files = inodes_.limit();
    stats.f_ffree = inodes_.limit() - std::min(inodes_.limit(), inodes_.used());
  }
  return stats;
}

std::string TmpfsFileSystem::show_options() const {
  std::string text;
  const auto add = [&](std::string option) { text += (text.empty() ? "" : ",") + std::move(option); };
  if (pages_.limit() != 0) add("size=" + std::to_string(pages_.limit() * (kPageSize / 1024)) + "k");
  if (inodes_.limit() != 0) add("nr_inodes=" + std::to_string(inodes_.limit()));
  if (options_.mode != 01777) {
    char mode[16];
    std::snprintf(mode, sizeof mode, "mode=%o", options_.mode);
    add(mode);
  }
  if (options_.uid != kRootUid) add("uid=" + std::to_string(raw(options_.uid)));
  if (options_.gid != kRootGid) add("gid=" + std::to_string(raw(options_.gid)));
  return text;
}

Result<void> TmpfsFileSystem::remount(std::string_view text) {
  TmpfsOptions options = options_;
  options.max_pages = pages_.limit();
  options.max_inodes = inodes_.limit();
  TRY(options.parse(text));
  if (options.max_pages != 0 && options.max_pages < pages_.used()) return Errno(EINVAL);
  if (options.max_inodes != 0 && options.max_inodes < inodes_.used()) return Errno(EINVAL);
  pages_.set_limit(options.max_pages);
  inodes_.set_limit(options.max_inodes);
  return {};
}

Result<FilePtr> make_anonymous_file(const std::shared_ptr<TmpfsFileSystem>& file_system, std::string_view name,
                                    std::uint64_t size, bool seals) {
  if (!file_system->inodes().take(1)) return Errno(ENOSPC);
  const auto file = std::make_shared<TmpfsFile>(*file_system, NewFile{0777, kRootUid, kRootGid}, 0);
  file->make_sealable(seals ? 0 : F_SEAL_SEAL);
  const DentryPtr root = Dentry::root_of(file_system);
  const DentryPtr dentry = Dentry::make_deleted(root, name, file);
  FilePtr opened = TRY(file->open({std::make_shared<Mount>(0, file_system, root, 0, "none"), dentry}, {O_RDWR}));
  if (size != 0) {
    // Before the seals count.
    if (size > FilePages::kMaxSize) return Errno(EINVAL);
    TRY(opened->truncate(size));
  }
  return opened;
}

void register_tmpfs(VfsServices& services, const std::shared_ptr<MemoryFile>& memory) {
  const auto make = [memory](CurrentTask*, const MountRequest& request) -> Result<FileSystemPtr> {
    TmpfsOptions options = TmpfsOptions::defaults();
    TRY(options.parse(request.options));
    return FileSystemPtr(TmpfsFileSystem::create(memory, options));
  };
  services.file_systems.add("tmpfs", true, make);
  services.file_systems.add("ramfs", true, make);
  const auto anonymous = TmpfsFileSystem::create(memory, TmpfsOptions());
  services.make_memory_file = [anonymous](std::string_view name, std::uint64_t size, bool seals) {
    return make_anonymous_file(anonymous, name, size, seals);
  };
}

}  // namespace runsc
