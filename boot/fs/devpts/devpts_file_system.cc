#include "boot/fs/devpts/devpts_file_system.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>

#include <charconv>

#include "boot/fs/devpts/devpts_directory.h"
#include "boot/fs/kept_attributes.h"
#include "boot/kernel/deadline.h"

namespace runsc {
namespace {

// As Linux numbers them.
constexpr std::uint64_t kRootInode = 1;
constexpr std::uint64_t kPtmxInode = 2;
constexpr std::uint64_t kFirstSlaveInode = 3;
// kernel.pty.max: what one instance can take from the memory of the sandbox.
constexpr std::size_t kMaxPtys = 4096;

FileAttributes make_attributes(FileSystem& file_system, std::uint64_t inode, std::uint32_t mode) {
  FileAttributes file;
  file.mode = mode;
  file.inode = inode;
  file.device = file_system.device();
  file.links = S_ISDIR(mode) ? 2 : 1;
  file.block_size = 1024;
  file.access_time = file.modify_time = file.change_time = file.birth_time = to_timespec(now_ns(CLOCK_REALTIME));
  return file;
}

}  // namespace

DevptsInode::DevptsInode(FileSystem& file_system, const FileAttributes& attributes)
    : Inode(file_system), type_(attributes.type()), attributes_(attributes) {}

Result<void> DevptsInode::set_attributes(const AttributeChange& change) {
  if (change.size) return Errno(EINVAL);
  apply_change(*attributes_.lock(), change);
  return {};
}

DevptsFileSystem::DevptsFileSystem(const DevptsOptions& options) { state_.lock()->options = options; }

std::shared_ptr<DevptsFileSystem> DevptsFileSystem::create(const DevptsOptions& options) {
  std::shared_ptr<DevptsFileSystem> made(new DevptsFileSystem(options));
  FileAttributes ptmx = make_attributes(*made, kPtmxInode, S_IFCHR | options.ptmx_mode);
  ptmx.rdev = makedev(kTtyAuxMajor, 2);
  made->ptmx_ = std::make_shared<DevptsInode>(*made, ptmx);
  made->root_ = std::make_shared<DevptsDirectory>(*made, make_attributes(*made, kRootInode, S_IFDIR | 0755));
  return made;
}

// Inodes go while the file system is whole.
DevptsFileSystem::~DevptsFileSystem() {
  root_.reset();
  ptmx_.reset();
  state_.lock()->nodes.clear();
}

InodePtr DevptsFileSystem::root() { return root_; }

Result<struct statfs> DevptsFileSystem::statistics() {
  struct statfs stats {};
  stats.f_type = DEVPTS_SUPER_MAGIC;
  stats.f_bsize = stats.f_frsize = 4096;
  stats.f_namelen = 255;
  return stats;
}

std::string DevptsFileSystem::show_options() const { return state_.lock()->options.show(); }

Result<void> DevptsFileSystem::remount(std::string_view text) {
  DevptsOptions options = state_.lock()->options;
  TRY(options.parse(text));
  AttributeChange change;
  change.mode = options.ptmx_mode;
  TRY(ptmx_->set_attributes(change));
  state_.lock()->options = options;
  return {};
}

Result<PtyPtr> DevptsFileSystem::add_pty(Kernel& kernel, const Credentials& credentials) {
  auto state = state_.lock();
  const DevptsOptions& options = state->options;
  unsigned index = 0;
  for (auto it = state->nodes.begin(); it != state->nodes.end() && it->first == index; ++it) ++index;
  if (index >= options.max || state->nodes.size() >= kMaxPtys) return Errno(ENOSPC);
  auto pty = std::make_shared<Pty>(kernel, index);
  FileAttributes file = make_attributes(*this, kFirstSlaveInode + index, S_IFCHR | options.mode);
  file.rdev = makedev(kSlaveMajor, index);
  file.uid = options.uid.value_or(credentials.fs_uid);
  file.gid = options.gid.value_or(credentials.fs_gid);
  state->nodes.emplace(index, std::make_shared<PtyNode>(*this, file, pty));
  return pty;
}

void DevptsFileSystem::remove_pty(unsigned index) {
  std::shared_ptr<PtyNode> removed;  // ends without the lock
  auto state = state_.lock();
  const auto it = state->nodes.find(index);
  if (it == state->nodes.end()) return;
  removed = std::move(it->second);
  state->nodes.erase(it);
}

Result<InodePtr> DevptsFileSystem::lookup(std::string_view name) const {
  if (name == "ptmx") return ptmx_;
  unsigned index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool leading_zero = name.size() > 1 && name.front() == '0';
  if (error != std::errc() || end != name.data() + name.size() || leading_zero) return Errno(ENOENT);
  auto state = state_.lock();
  const auto it = state->nodes.find(index);
  if (it == state->nodes.end()) return Errno(ENOENT);
  return InodePtr(it->second);
}

std::vector<unsigned> DevptsFileSystem::indices() const {
  std::vector<unsigned> indices;
  auto state = state_.lock();
  for (const auto& [index, node] : state->nodes) indices.push_back(index);
  return indices;
}

}  // namespace runsc
