#include "boot/vfs/mount.h"

#include <sys/mount.h>

#include <algorithm>

namespace runsc {

Mount::Mount(int id, FileSystemPtr file_system, DentryPtr root, unsigned long flags, std::string source)
    : id_(id), file_system_(std::move(file_system)), root_(std::move(root)), flags_(flags), source_(std::move(source)) {
  file_system_->add_mount();
}

Mount::~Mount() { file_system_->remove_mount(); }

bool Mount::read_only() const { return (flags() & MS_RDONLY) != 0; }

VfsPath Mount::mount_point() const { return *mount_point_.lock(); }

MountPtr Mount::mounted_on(const Dentry& dentry) const {
  auto children = children_.lock();
  const auto it = children->find(&dentry);
  return it == children->end() ? nullptr : it->second;
}

VfsPath follow_mounts(VfsPath path) {
  while (path.dentry->mounted_here.load(std::memory_order_acquire) != 0) {
    MountPtr covering = path.mount->mounted_on(*path.dentry);
    if (!covering) break;
    path.dentry = covering->root();
    path.mount = std::move(covering);
  }
  return path;
}

bool is_below(const DentryPtr& dentry, const DentryPtr& ancestor) {
  for (DentryPtr at = dentry; at; at = at->parent())
    if (at == ancestor) return true;
  return false;
}

MountNamespace::MountNamespace(FileSystemPtr root, unsigned long flags, std::string source, VfsServicesPtr services)
    : services_(services ? std::move(services) : std::make_shared<VfsServices>()) {
  DentryPtr dentry = Dentry::root_of(root);
  auto tree = tree_.lock();
  tree->root =
      std::make_shared<Mount>(services_->next_mount_id++, std::move(root), std::move(dentry), flags, std::move(source));
  tree->mounts.push_back(tree->root);
}

MountNamespace::~MountNamespace() {
  // Mounts and their places hold each other.
  std::vector<VfsPath> released;
  auto tree = tree_.lock();
  for (const MountPtr& mount : tree->mounts) disconnect(mount, released);
  const Tree dropped = std::move(*tree);
  tree.unlock();
}

MountPtr MountNamespace::root() const { return tree_.lock()->root; }

VfsPath MountNamespace::root_path() const {
  const MountPtr mount = root();
  return {mount, mount->root()};
}

bool MountNamespace::contains(const Mount& mount) const {
  auto tree = tree_.lock();
  return std::any_of(tree->mounts.begin(), tree->mounts.end(), [&](const MountPtr& m) { return m.get() == &mount; });
}

Result<void> MountNamespace::check_place(const Tree& tree, const VfsPath& where, const Dentry& root) const {
  if (std::find(tree.mounts.begin(), tree.mounts.end(), where.mount) == tree.mounts.end()) return Errno(EINVAL);
  if (where.dentry->deleted() || where.dentry->negative()) return Errno(ENOENT);
  if (S_ISDIR(where.dentry->inode_pointer()->type()) != S_ISDIR(root.inode_pointer()->type())) return Errno(ENOTDIR);
  return {};
}

void MountNamespace::connect(const VfsPath& where, const MountPtr& mount) {
  *mount->mount_point_.lock() = where;
  where.mount->children_.lock()->insert_or_assign(where.dentry.get(), mount);
  where.dentry->mounted_here.fetch_add(1, std::memory_order_release);
}

void MountNamespace::attach(Tree& tree, const VfsPath& where, const MountPtr& mount) {
  connect(follow_mounts(where), mount);
  tree.mounts.push_back(mount);
}

void MountNamespace::disconnect(const MountPtr& mount, std::vector<VfsPath>& released) {
  VfsPath place = std::exchange(*mount->mount_point_.lock(), VfsPath());
  if (!place) return;
  place.dentry->mounted_here.fetch_sub(1, std::memory_order_release);
  place.mount->children_.lock()->erase(place.dentry.get());
  released.push_back(std::move(place));
}

Result<MountPtr> MountNamespace::mount(const VfsPath& where, FileSystemPtr file_system, DentryPtr root,
                                       unsigned long flags, std::string source) {
  auto fresh = std::make_shared<Mount>(services_->next_mount_id++, std::move(file_system), std::move(root), flags,
                                       std::move(source));
  auto tree = tree_.lock();
  TRY(check_place(*tree, where, *fresh->root()));
  attach(*tree, where, fresh);
  return fresh;
}

Result<MountPtr> MountNamespace::mount(const VfsPath& where, FileSystemPtr file_system, unsigned long flags,
                                       std::string source) {
  DentryPtr root = Dentry::root_of(file_system);
  return mount(where, std::move(file_system), std::move(root), flags, std::move(source));
}

MountPtr MountNamespace::clone(const Mount& mount, DentryPtr root) const {
  return std::make_shared<Mount>(services_->next_mount_id++, mount.file_system_ptr(), std::move(root), mount.flags(),
                                 mount.source());
}

Result<MountPtr> MountNamespace::bind(const VfsPath& what, const VfsPath& where, unsigned long flags, bool recursive) {
  auto tree = tree_.lock();
  if (std::find(tree->mounts.begin(), tree->mounts.end(), what.mount) == tree->mounts.end()) return Errno(EINVAL);
  TRY(check_place(*tree, where, *what.dentry));
  // What a locked mount covers stays covered.
  const auto hides = [&](const MountPtr& each) {
    const VfsPath place = each->mount_point();
    return each->locked() && place && place.mount == what.mount && is_below(place.dentry, what.dentry);
  };
  const std::vector<MountPtr> before = tree->mounts;
  if (!recursive && std::any_of(before.begin(), before.end(), hides)) return Errno(EINVAL);
  const MountPtr fresh = clone(*what.mount, what.dentry);
  fresh->set_flags(fresh->flags() | flags);
  // Submounts lie behind their parents in the list, so a parent's copy exists when a child's turn comes.
  std::map<const Mount*, MountPtr> copies{{what.mount.get(), fresh}};
  std::vector<MountPtr> added;
  for (const MountPtr& mount : recursive ? before : std::vector<MountPtr>()) {
    const VfsPath place = mount->mount_point();
    const auto parent = place ? copies.find(place.mount.get()) : copies.end();
    if (mount == what.mount || parent == copies.end()) continue;
    if (place.mount == what.mount && !is_below(place.dentry, what.dentry)) continue;
    const MountPtr copy = clone(*mount, mount->root());
    if (mount->locked()) copy->set_locked(true);
    copies.emplace(mount.get(), copy);
    connect({parent->second, place.dentry}, copy);
    added.push_back(copy);
  }
  attach(*tree, where, fresh);
  tree->mounts.insert(tree->mounts.end(), added.begin(), added.end());
  return fresh;
}

bool MountNamespace::below(const Mount& mount, const Mount& ancestor) {
  if (&mount == &ancestor) return true;
  for (VfsPath place = mount.mount_point(); place; place = place.mount->mount_point())
    if (place.mount.get() == &ancestor) return true;
  return false;
}

Result<void> MountNamespace::move(const VfsPath& what, const VfsPath& where) {
  std::vector<VfsPath> released;
  auto tree = tree_.lock();
  const MountPtr mount = what.mount;
  if (what.dentry != mount->root() || !mount->mount_point() || mount->locked()) return Errno(EINVAL);
  if (std::find(tree->mounts.begin(), tree->mounts.end(), mount) == tree->mounts.end()) return Errno(EINVAL);
  TRY(check_place(*tree, where, *mount->root()));
  if (below(*where.mount, *mount)) return Errno(ELOOP);
  disconnect(mount, released);
  connect(follow_mounts(where), mount);
  // Parents first: the moved tree goes behind its new parent.
  std::stable_partition(tree->mounts.begin(), tree->mounts.end(),
                        [&](const MountPtr& other) { return !below(*other, *mount); });
  tree.unlock();
  return {};
}

Result<void> MountNamespace::unmount(const VfsPath& path, int flags) {
  std::vector<VfsPath> released;
  std::vector<MountPtr> gone;
  auto tree = tree_.lock();
  const MountPtr mount = path.mount;
  if (path.dentry != mount->root() || !mount->mount_point()) return Errno(EINVAL);
  if (std::find(tree->mounts.begin(), tree->mounts.end(), mount) == tree->mounts.end()) return Errno(EINVAL);
  if (mount->locked()) return Errno(EINVAL);
  for (const MountPtr& other : tree->mounts)
    if (below(*other, *mount)) gone.push_back(other);
  if (gone.size() > 1 && (flags & MNT_DETACH) == 0) return Errno(EBUSY);
  // Used by: the caller's path, `mount`, `gone`, the tree, the parent's children; anybody else makes it busy.
  constexpr long kOwnReferences = 5;
  if (mount.use_count() > kOwnReferences && (flags & MNT_DETACH) == 0) return Errno(EBUSY);
  for (const MountPtr& other : gone) disconnect(other, released);
  std::erase_if(tree->mounts,
                [&](const MountPtr& other) { return std::find(gone.begin(), gone.end(), other) != gone.end(); });
  tree.unlock();
  return {};
}

Result<void> MountNamespace::pivot(const VfsPath& new_root, const VfsPath& put_old) {
  std::vector<VfsPath> released;
  auto tree = tree_.lock();
  const MountPtr fresh = new_root.mount;
  const MountPtr old = tree->root;
  if (fresh == old || put_old.mount == old) return Errno(EBUSY);
  if (new_root.dentry != fresh->root() || !fresh->mount_point() || fresh->locked()) return Errno(EINVAL);
  if (!below(*put_old.mount, *fresh)) return Errno(EINVAL);
  if (put_old.mount == fresh && !is_below(put_old.dentry, new_root.dentry)) return Errno(EINVAL);
  TRY(check_place(*tree, put_old, *old->root()));
  // What may not be opened up is the root, whichever mount that is.
  if (old->locked()) {
    fresh->set_locked(true);
    old->set_locked(false);
  }
  disconnect(fresh, released);
  tree->root = fresh;
  connect(put_old, old);
  std::stable_partition(tree->mounts.begin(), tree->mounts.end(), [&](const MountPtr& m) { return !below(*m, *old); });
  tree.unlock();
  return {};
}

MountPtr MountNamespace::mounted_on(const VfsPath& path) const {
  const VfsPath top = follow_mounts(path);
  return top.mount == path.mount ? nullptr : top.mount;
}

std::vector<MountPtr> MountNamespace::list() const { return tree_.lock()->mounts; }

std::shared_ptr<MountNamespace> MountNamespace::copy(std::vector<VfsPath*> translate, UserNamespacePtr owner) const {
  std::shared_ptr<MountNamespace> fresh(new MountNamespace(services_));
  const bool less_privileged = owner != owner_;
  fresh->owner_ = std::move(owner);
  std::map<const Mount*, MountPtr> copies;
  auto tree = tree_.lock();
  Tree copied;
  for (const MountPtr& mount : tree->mounts) {
    const MountPtr twin = clone(*mount, mount->root());
    if (less_privileged || mount->locked()) twin->set_locked(true);
    copies.emplace(mount.get(), twin);
    copied.mounts.push_back(twin);
    if (mount == tree->root) copied.root = twin;
    if (const VfsPath place = mount->mount_point()) connect({copies.at(place.mount.get()), place.dentry}, twin);
  }
  tree.unlock();
  for (VfsPath* path : translate) {
    const auto twin = *path ? copies.find(path->mount.get()) : copies.end();
    if (twin != copies.end()) path->mount = twin->second;
  }
  *fresh->tree_.lock() = std::move(copied);
  return fresh;
}

}  // namespace runsc
