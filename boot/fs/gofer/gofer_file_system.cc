#include "boot/fs/gofer/gofer_file_system.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "boot/fs/gofer/gofer_inode.h"

namespace runsc {
namespace {

// Descriptors kept open for the next user: a small part of the process's limit.
constexpr std::size_t kMostKeptOpen = 512;

std::uint64_t device_of(const gofer::FileAttributes& attributes) {
  return makedev(attributes.device_major, attributes.device_minor);
}

}  // namespace

Result<FileSystemPtr> attach_gofer(UniqueFd socket, GoferCaching caching, std::shared_ptr<InodeTwins> twins) {
  const bool watch = caching == GoferCaching::kShared;
  return FileSystemPtr(
      GoferFileSystem::make(TRY(gofer::GoferConnection::attach(std::move(socket), watch)), caching, std::move(twins)));
}

GoferFileSystem::GoferFileSystem(std::unique_ptr<gofer::GoferConnection> connection, GoferCaching caching,
                                 std::shared_ptr<InodeTwins> twins)
    : connection_(std::move(connection)),
      caching_(caching),
      twins_(std::move(twins)),
      changes_(connection_->take_changes()) {}

std::shared_ptr<GoferFileSystem> GoferFileSystem::make(std::unique_ptr<gofer::GoferConnection> connection,
                                                       GoferCaching caching, std::shared_ptr<InodeTwins> twins) {
  std::shared_ptr<GoferFileSystem> made(new GoferFileSystem(std::move(connection), caching, std::move(twins)));
  const gofer::FileAttributes& attributes = made->connection_->root_attributes();
  made->root_device_ = device_of(attributes);
  made->root_ = std::make_shared<GoferInode>(*made, gofer::RemoteNode{{}, attributes});
  (*made->inodes_.lock())[identity(attributes)] = made->root_;
  return made;
}

InodePtr GoferFileSystem::root() { return root_; }

Result<struct statfs> GoferFileSystem::statistics() {
  const gofer::FileSystemInfo info = TRY(connection_->stat_file_system(connection_->root()));
  struct statfs out {};
  out.f_type = static_cast<__fsword_t>(info.type);
  out.f_bsize = static_cast<__fsword_t>(info.block_size);
  out.f_blocks = info.blocks;
  out.f_bfree = info.blocks_free;
  out.f_bavail = info.blocks_available;
  out.f_files = info.files;
  out.f_ffree = info.files_free;
  out.f_namelen = static_cast<__fsword_t>(info.name_length);
  out.f_frsize = static_cast<__fsword_t>(info.fragment_size);
  return out;
}

GoferFileSystem::Identity GoferFileSystem::identity(const gofer::FileAttributes& attributes) {
  return {device_of(attributes), attributes.inode};
}

std::uint64_t GoferFileSystem::inode_number(const gofer::FileAttributes& attributes) const {
  const std::uint64_t device = device_of(attributes);
  if (device == root_device_) return attributes.inode;
  // Several host file systems under one mount: numbers may collide, which programs take for hard links.
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
  return attributes.inode ^ (device * kMix);
}

std::shared_ptr<GoferInode> GoferFileSystem::intern(gofer::RemoteNode node) {
  const Identity id = identity(node.attributes);
  {
    auto inodes = inodes_.lock();
    const auto it = inodes->find(id);
    if (it != inodes->end()) {
      // Handle 0 is the mount's root; any other handle of the same file is dropped here.
      if (auto existing = it->second.lock()) return existing;
    }
  }
  auto made = std::make_shared<GoferInode>(*this, std::move(node));
  auto inodes = inodes_.lock();
  std::weak_ptr<GoferInode>& slot = (*inodes)[id];
  if (auto raced = slot.lock()) return raced;
  slot = made;
  return made;
}

void GoferFileSystem::forget(const GoferInode& inode) {
  auto inodes = inodes_.lock();
  const auto it = inodes->find({inode.device_, inode.inode_});
  if (it != inodes->end() && it->second.expired()) inodes->erase(it);
}

void GoferFileSystem::keep_open(DonatedFilePtr file) {
  DonatedFilePtr dropped;  // closed outside the lock
  auto kept = kept_open_.lock();
  kept->push_front(std::move(file));
  if (kept->size() <= kMostKeptOpen) return;
  dropped = std::move(kept->back());
  kept->pop_back();
}

void GoferFileSystem::drop_kept(const DonatedFile* file) {
  std::list<DonatedFilePtr> dropped;  // closed outside the lock
  auto kept = kept_open_.lock();
  for (auto it = kept->begin(); it != kept->end(); ++it) {
    if (it->get() != file) continue;
    dropped.splice(dropped.begin(), *kept, it);
    return;
  }
}

}  // namespace runsc
