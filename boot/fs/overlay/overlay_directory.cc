#include "boot/fs/overlay/overlay_directory.h"

#include <dirent.h>

#include <cstdio>
#include <set>

#include "boot/fs/overlay/overlay_open_file.h"
#include "boot/vfs/release.h"

namespace runsc {
namespace {

// Collects what a lower directory lists.
class ListSink : public DirectorySink {
 public:
  bool add(std::string_view name, std::uint64_t inode, std::uint8_t type, std::int64_t) override {
    ++seen_;
    if (name != "." && name != "..") listed.push_back({std::string(name), inode, type});
    return true;
  }
  std::size_t seen() const { return seen_; }
  std::vector<OverlayDirectory::Listed> listed;

 private:
  std::size_t seen_ = 0;
};

constexpr std::uint64_t kEntrySize = 20;

}  // namespace

OverlayDirectory::~OverlayDirectory() {
  for (auto& [name, entry] : entries_)
    if (entry.node) release_without_recursion(InodePtr(std::move(entry.node)));
}

// As overlayfs: a merged directory does not count its subdirectories.
void OverlayDirectory::fill(FileAttributes& file) {
  const auto tree = overlay().lock_tree();
  if (removed_) {
    file.links = 0;
    return;
  }
  file.links = 1;
  if (!lower()) {
    file.links = 2;
    file.blocks = 0;
    file.size = (2 + entries_.size()) * kEntrySize;
    for (const auto& [name, entry] : entries_)
      if (entry.node && S_ISDIR(entry.node->type())) ++file.links;
  } else if (upper()) {
    file.size = 4096;
    file.blocks = 8;
  }
}

InodePtr OverlayDirectory::wrap(InodePtr lower, const std::shared_ptr<OverlayDirectory>& parent,
                                std::string_view name) const {
  const std::uint32_t type = lower->type();
  Origin origin{std::move(lower), parent, std::string(name), nullptr};
  if (S_ISDIR(type)) return std::make_shared<OverlayDirectory>(overlay(), std::move(origin));
  if (S_ISREG(type)) return std::make_shared<OverlayFile>(overlay(), std::move(origin));
  return std::make_shared<OverlayOther>(overlay(), type, std::move(origin));
}

Result<InodePtr> OverlayDirectory::lookup(std::string_view name) {
  {
    const auto tree = overlay().lock_tree();
    const auto it = entries_.find(name);
    if (it != entries_.end() && it->second.node) return InodePtr(it->second.node);
    if (it != entries_.end() || !lower()) return Errno(ENOENT);
  }
  return wrap(TRY(lower()->lookup(name)), self(), name);
}

// Below a name that nothing here knows about everything is the lower layer's.
Result<std::vector<InodePtr>> OverlayDirectory::lookup_path(std::span<const std::string_view> names) {
  bool known;
  {
    const auto tree = overlay().lock_tree();
    known = !lower() || entries_.contains(names[0]);
  }
  if (known) return OverlayInode::lookup_path(names);
  std::vector<InodePtr> found = TRY(lower()->lookup_path(names));
  std::shared_ptr<OverlayDirectory> parent = self();
  for (std::size_t i = 0; i < found.size() && found[i]; ++i) {
    found[i] = wrap(std::move(found[i]), parent, names[i]);
    if (S_ISDIR(found[i]->type()))
      parent = std::static_pointer_cast<OverlayDirectory>(found[i]);
    else
      found.resize(i + 1);
  }
  return found;
}

void OverlayDirectory::keep_child(const OverlayFileSystem::TreeLock&, const std::string& name,
                                  std::shared_ptr<OverlayInode> child) {
  entries_.insert_or_assign(name, Entry{std::move(child), true});
}

bool OverlayDirectory::hidden_or_lower(const OverlayFileSystem::TreeLock&, std::string_view name) const {
  const auto it = entries_.find(name);
  // An existing name without an entry is the lower directory's.
  return it != entries_.end() ? it->second.hides_lower : lower() != nullptr;
}

void OverlayDirectory::put(const OverlayFileSystem::TreeLock& tree, std::string_view name,
                           std::shared_ptr<OverlayInode> node, bool lower_has_it) {
  node->leave_directory(tree);
  entries_.insert_or_assign(std::string(name), Entry{std::move(node), lower_has_it});
  keep(tree);
}

void OverlayDirectory::take(const OverlayFileSystem::TreeLock& tree, std::string_view name) {
  if (hidden_or_lower(tree, name))
    entries_.insert_or_assign(std::string(name), Entry{nullptr, true});
  else
    entries_.erase(entries_.find(name));
  keep(tree);
}

Result<void> OverlayDirectory::touch() {
  AttributeChange change;
  change.modify_time = AttributeChange::Time{true, {}};
  return set_attributes(change);
}

Result<void> OverlayDirectory::add(std::string_view name, std::shared_ptr<OverlayInode> node) {
  TRY(touch());
  const auto tree = overlay().lock_tree();
  if (removed_) return Errno(ENOENT);
  const auto it = entries_.find(name);
  put(tree, name, std::move(node), it != entries_.end() && it->second.hides_lower);
  return {};
}

template <typename Node, typename... Args>
Result<InodePtr> OverlayDirectory::make(std::string_view name, const NewFile& file, Args&&... args) {
  Origin origin;
  origin.upper = TRY(overlay().make_upper({file.mode & 07777, file.uid, file.gid}));
  auto node = std::make_shared<Node>(overlay(), std::forward<Args>(args)..., std::move(origin));
  TRY(add(name, node));
  return InodePtr(std::move(node));
}

Result<InodePtr> OverlayDirectory::create(std::string_view name, const NewFile& file) {
  return make<OverlayFile>(name, file);
}

Result<InodePtr> OverlayDirectory::make_directory(std::string_view name, const NewFile& file) {
  return make<OverlayDirectory>(name, file);
}

Result<InodePtr> OverlayDirectory::make_node(std::string_view name, const NewFile& file, std::uint64_t rdev) {
  Origin origin;
  origin.upper = TRY(overlay().make_upper({file.mode & 07777, file.uid, file.gid}));
  auto node = std::make_shared<OverlayOther>(overlay(), file.mode & S_IFMT, std::move(origin), std::string(), rdev);
  TRY(add(name, node));
  return InodePtr(std::move(node));
}

Result<InodePtr> OverlayDirectory::make_symlink(std::string_view name, const NewFile& file, std::string_view target) {
  Origin origin;
  origin.upper = TRY(overlay().make_upper({0777, file.uid, file.gid}));
  auto node = std::make_shared<OverlayOther>(overlay(), S_IFLNK, std::move(origin), std::string(target));
  TRY(add(name, node));
  return InodePtr(std::move(node));
}

Result<InodePtr> OverlayDirectory::make_unnamed(const NewFile& file) {
  Origin origin;
  origin.upper = TRY(overlay().make_upper(file));
  auto node = std::make_shared<OverlayFile>(overlay(), std::move(origin));
  TRY(node->change_links(-1));
  return InodePtr(std::move(node));
}

Result<void> OverlayDirectory::make_link(std::string_view name, const InodePtr& target) {
  const auto node = std::static_pointer_cast<OverlayInode>(target);
  TRY(node->copy_up());
  TRY(node->change_links(1));
  if (const auto added = add(name, node); !added.ok()) {
    TRY(node->change_links(-1));
    return added.error();
  }
  return {};
}

Result<void> OverlayDirectory::unlink(std::string_view name, const InodePtr& child) {
  auto& node = static_cast<OverlayInode&>(*child);
  TRY(touch());
  {
    const auto tree = overlay().lock_tree();
    node.leave_directory(tree);
    take(tree, name);
  }
  return node.change_links(-1);
}

Result<void> OverlayDirectory::retire() {
  // The lower directory's names that are not covered by whiteouts, and those made here.
  if (!TRY(list()).empty()) return Errno(ENOTEMPTY);
  const auto tree = overlay().lock_tree();
  for (const auto& [name, entry] : entries_)
    if (entry.node) return Errno(ENOTEMPTY);
  removed_ = true;
  return {};
}

Result<void> OverlayDirectory::remove_directory(std::string_view name, const InodePtr& child) {
  auto& directory = static_cast<OverlayDirectory&>(*child);
  TRY(touch());
  TRY(directory.retire());
  const auto tree = overlay().lock_tree();
  directory.leave_directory(tree);
  take(tree, name);
  return {};
}

Result<void> OverlayDirectory::rename(std::string_view old_name, const InodePtr& child, const InodePtr& new_directory,
                                      std::string_view new_name, const InodePtr& replaced, unsigned flags) {
  if ((flags & RENAME_WHITEOUT) != 0) return Errno(EINVAL);
  auto& target = static_cast<OverlayDirectory&>(*new_directory);
  const auto moving = std::static_pointer_cast<OverlayInode>(child);
  const auto other = std::static_pointer_cast<OverlayInode>(replaced);
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  TRY(touch());
  TRY(target.touch());
  if (other && !exchange && S_ISDIR(other->type())) TRY(static_cast<OverlayDirectory&>(*other).retire());
  {
    const auto tree = overlay().lock_tree();
    const bool old_hides = hidden_or_lower(tree, old_name);
    const auto it = target.entries_.find(new_name);
    const bool new_hides = it != target.entries_.end() ? it->second.hides_lower : other && target.lower();
    if (other) other->leave_directory(tree);
    if (exchange) {
      put(tree, old_name, other, old_hides);
    } else {
      take(tree, old_name);
    }
    target.put(tree, new_name, moving, new_hides);
  }
  if (other && !exchange && !S_ISDIR(other->type())) TRY(other->change_links(-1));
  return {};
}

Result<std::vector<OverlayDirectory::Listed>> OverlayDirectory::list() {
  ListSink lower_names;
  if (lower()) {
    const FilePtr directory = TRY(overlay().open_lower(lower(), {O_RDONLY | O_DIRECTORY}));
    for (std::size_t before = 0;; before = lower_names.seen()) {
      TRY(directory->read_directory(lower_names));
      if (lower_names.seen() == before) break;
    }
  }
  std::vector<std::pair<std::string, std::shared_ptr<OverlayInode>>> kept;
  std::vector<Listed> listed;
  {
    const auto tree = overlay().lock_tree();
    for (Listed& entry : lower_names.listed)
      if (!entries_.contains(entry.name)) listed.push_back(std::move(entry));
    for (const auto& [name, entry] : entries_)
      if (entry.node) kept.emplace_back(name, entry.node);
  }
  for (const auto& [name, node] : kept) {
    const std::uint64_t number = TRY(node->attributes()).inode;
    listed.push_back({name, number, static_cast<std::uint8_t>(IFTODT(node->type()))});
  }
  return listed;
}

Result<FilePtr> OverlayDirectory::open(const VfsPath& path, OpenFlags flags) {
  return FilePtr(std::make_shared<OverlayOpenDirectory>(path, flags, self()));
}

}  // namespace runsc
