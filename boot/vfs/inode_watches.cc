#include "boot/vfs/inode_watches.h"

#include <algorithm>

#include "boot/vfs/dentry.h"
#include "boot/vfs/file_description.h"

namespace runsc {
namespace {

std::uint32_t with_type(const Inode& inode, std::uint32_t mask) {
  return S_ISDIR(inode.type()) ? mask | IN_ISDIR : mask;
}

}  // namespace

InodeWatches::~InodeWatches() { file_system_.watch_count.fetch_sub(count_.load()); }

void InodeWatches::add(InodeWatchPtr watch) {
  watches_.lock()->push_back(std::move(watch));
  count_.fetch_add(1);
  file_system_.watch_count.fetch_add(1);
}

void InodeWatches::remove(const InodeWatch& watch) {
  InodeWatchPtr dropped;  // ends after the lock is released
  auto watches = watches_.lock();
  const auto it = std::find_if(watches->begin(), watches->end(),
                               [&](const InodeWatchPtr& candidate) { return candidate.get() == &watch; });
  if (it == watches->end()) return;
  dropped = std::move(*it);
  watches->erase(it);
  count_.fetch_sub(1);
  file_system_.watch_count.fetch_sub(1);
  watches.unlock();
}

InodeWatchPtr InodeWatches::find(const void* owner) const {
  auto watches = watches_.lock();
  const auto it = std::find_if(watches->begin(), watches->end(),
                               [&](const InodeWatchPtr& candidate) { return candidate->owner() == owner; });
  return it == watches->end() ? nullptr : *it;
}

void InodeWatches::notify(std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  const std::vector<InodeWatchPtr> watches = *watches_.lock();
  for (const InodeWatchPtr& watch : watches) watch->notify(mask, cookie, name);
}

void notify_object(Dentry& dentry, std::uint32_t mask) {
  if (dentry.file_system().watch_count.load(std::memory_order_relaxed) == 0) return;
  Inode* const inode = dentry.inode_pointer();
  if (inode == nullptr) return;
  const DentryPtr parent = dentry.parent();
  if (parent && parent->inode_pointer()->has_watches() && !dentry.deleted())
    parent->inode_pointer()->watches().notify(with_type(*inode, mask), 0, dentry.name());
  if (inode->has_watches()) inode->watches().notify(with_type(*inode, mask), 0, {});
}

void notify_file(FileDescription& file, std::uint32_t mask) {
  if (file.path()) notify_object(*file.path().dentry, mask);
}

void notify_name(Dentry& directory, std::string_view name, bool is_directory, std::uint32_t mask,
                 std::uint32_t cookie) {
  if (directory.file_system().watch_count.load(std::memory_order_relaxed) == 0) return;
  if (directory.inode_pointer()->has_watches())
    directory.inode_pointer()->watches().notify(is_directory ? mask | IN_ISDIR : mask, cookie, name);
}

void notify_self(Dentry& dentry, std::uint32_t mask) {
  Inode* const inode = dentry.inode_pointer();
  // IN_DELETE_SELF and IN_MOVE_SELF come without IN_ISDIR, as in Linux.
  if (inode != nullptr && inode->has_watches()) inode->watches().notify(mask, 0, {});
}

}  // namespace runsc
