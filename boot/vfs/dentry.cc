#include "boot/vfs/dentry.h"

#include <algorithm>
#include <vector>

#include "boot/vfs/release.h"

namespace runsc {
Dentry::Dentry(FileSystemPtr file_system, DentryPtr parent, std::string_view name, InodePtr inode)
    : file_system_(std::move(file_system)), place_(Place{std::move(parent), std::string(name)}) {
  if (inode) publish(std::move(inode));
}

Dentry::~Dentry() {
  auto place = place_.lock();
  DentryPtr parent = std::move(place->parent);
  const std::string name = std::move(place->name);
  place.unlock();
  if (!parent) return;
  parent->erase_from_children(name, this);
  release_without_recursion(std::move(parent));
}

DentryPtr Dentry::make_root(FileSystemPtr file_system, InodePtr inode) {
  return DentryPtr(new Dentry(std::move(file_system), nullptr, "", std::move(inode)));
}

DentryPtr Dentry::make_deleted(const DentryPtr& parent, std::string_view name, InodePtr inode) {
  DentryPtr dentry(new Dentry(parent->file_system_, parent, name, std::move(inode)));
  dentry->deleted_.store(true, std::memory_order_release);
  return dentry;
}

DentryPtr Dentry::root_of(const FileSystemPtr& file_system) {
  DentryPtr fresh = make_root(file_system, file_system->root());
  auto shared = file_system->root_dentry_.lock();
  if (DentryPtr existing = shared->lock()) return existing;
  *shared = fresh;
  return fresh;
}

InodePtr Dentry::inode() const { return inode_pointer() != nullptr ? inode_ : nullptr; }

DentryPtr Dentry::parent() const { return place_.lock()->parent; }

std::string Dentry::name() const { return place_.lock()->name; }

void Dentry::publish(InodePtr inode) {
  inode_ = std::move(inode);
  published_inode_.store(inode_.get(), std::memory_order_release);
}

void Dentry::erase_from_children(std::string_view name, const Dentry* child) {
  auto children = children_.lock();
  const auto it = children->find(name);
  if (it != children->end() && it->second == child) children->erase(it);
}

DentryPtr Dentry::cached_child(std::string_view name) const {
  auto children = children_.lock();
  const auto it = children->find(name);
  return it == children->end() ? nullptr : it->second->weak_from_this().lock();
}

DentryPtr Dentry::find(std::string_view name) {
  DentryPtr cached = cached_child(name);
  if (!cached) return nullptr;
  // What is mounted somewhere keeps its place.
  if (cached->mounted_here.load(std::memory_order_relaxed) != 0) return cached;
  switch (inode_pointer()->cache_policy()) {
    case CachePolicy::kStable:
      break;
    case CachePolicy::kRevalidate:
      if (!inode_pointer()->revalidate_child(name, cached->inode())) return nullptr;
      break;
    case CachePolicy::kNever:
      return nullptr;
  }
  cached->note_use();
  return cached;
}

Result<DentryPtr> Dentry::child(std::string_view name) {
  if (negative()) return Errno(ENOENT);
  if (DentryPtr cached = find(name)) return cached;
  return look_up(std::span(&name, 1));
}

Result<DentryPtr> Dentry::look_up(std::span<const std::string_view> names) {
  if (negative()) return Errno(ENOENT);
  const DirectoryLock lock = lock_directory();
  // Another thread may have been faster.
  if (inode_pointer()->cache_policy() == CachePolicy::kStable)
    if (DentryPtr cached = find(names[0])) return cached;
  return child_from_file_system(names);
}

Result<DentryPtr> Dentry::child_locked(std::string_view name) {
  if (negative()) return Errno(ENOENT);
  if (DentryPtr cached = find(name)) return cached;
  return child_from_file_system(std::span(&name, 1));
}

Result<DentryPtr> Dentry::child_from_file_system(std::span<const std::string_view> names) {
  if (deleted()) return DentryPtr(new Dentry(file_system_, shared_from_this(), names[0], nullptr));
  std::vector<InodePtr> found;
  if (names.size() == 1) {
    auto inode = inode_pointer()->lookup(names[0]);
    if (!inode.ok() && inode.error() != Errno(ENOENT)) return inode.error();
    if (inode.ok()) found.push_back(std::move(*inode));
  } else {
    auto inodes = inode_pointer()->lookup_path(names);
    if (!inodes.ok() && inodes.error() != Errno(ENOENT)) return inodes.error();
    if (inodes.ok()) found = std::move(*inodes);
  }
  DentryPtr first = attach(names[0], found.empty() ? nullptr : found[0]);
  // Nobody can have changed what lies below `first` since the file system answered: to get there, they would have had
  // to look it up under the lock that is held here.
  DentryPtr at = first;
  for (std::size_t i = 1; i < std::min(names.size(), found.size()) && !at->negative(); ++i) {
    if (!S_ISDIR(at->inode_pointer()->type()) || at->inode_pointer()->cache_policy() == CachePolicy::kNever) break;
    if (at->cached_child(names[i])) break;
    at = at->attach(names[i], std::move(found[i]));
  }
  return first;
}

// Makes `name` lead to `inode` (null: to nothing). Reuses the dentry that is there when it says the same.
DentryPtr Dentry::attach(std::string_view name, InodePtr inode) {
  DentryPtr old = cached_child(name);
  if (old && old->inode_pointer() == inode.get()) {
    old->note_use();
    return old;
  }
  if (old) file_system_->dentry_cache().remove(*old);
  DentryPtr fresh(new Dentry(file_system_, shared_from_this(), name, std::move(inode)));
  children_.lock()->insert_or_assign(std::string(name), fresh.get());
  if (inode_pointer()->cache_policy() != CachePolicy::kNever) file_system_->dentry_cache().add(fresh);
  return fresh;
}

DentryPtr Dentry::add_child(std::string_view name, InodePtr inode) {
  DentryPtr cached = cached_child(name);
  if (cached && cached->negative()) {
    cached->publish(std::move(inode));
    return cached;
  }
  return attach(name, std::move(inode));
}

void Dentry::remove_child(const DentryPtr& child) {
  child->deleted_.store(true, std::memory_order_release);
  drop_child(child);
}

void Dentry::drop_child(const DentryPtr& child) {
  erase_from_children(child->name(), child.get());
  file_system_->dentry_cache().remove(*child);
}

void Dentry::move_child(const DentryPtr& child, const DentryPtr& new_parent, std::string_view new_name) {
  if (const DentryPtr replaced = new_parent->cached_child(new_name)) new_parent->remove_child(replaced);
  erase_from_children(child->name(), child.get());
  DentryPtr old_parent;
  {
    auto place = child->place_.lock();
    old_parent = std::exchange(place->parent, new_parent);
    place->name = new_name;
  }
  new_parent->children_.lock()->insert_or_assign(std::string(new_name), child.get());
}

void Dentry::exchange_children(const DentryPtr& child, const DentryPtr& other_parent, const DentryPtr& other) {
  const std::string name = child->name();
  const std::string other_name = other->name();
  const DentryPtr self = shared_from_this();
  DentryPtr keep_first, keep_second;
  {
    auto place = child->place_.lock();
    keep_first = std::exchange(place->parent, other_parent);
    place->name = other_name;
  }
  {
    auto place = other->place_.lock();
    keep_second = std::exchange(place->parent, self);
    place->name = name;
  }
  children_.lock()->insert_or_assign(name, other.get());
  other_parent->children_.lock()->insert_or_assign(other_name, child.get());
}

void Dentry::shrink(std::size_t keep) { file_system_->dentry_cache().shrink(keep); }

}  // namespace runsc
