#include "boot/fs/tmpfs/tmpfs_directory.h"

#include <dirent.h>

#include <cstdio>

#include "boot/fs/tmpfs/tmpfs_file.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/release.h"

namespace runsc {
namespace {

constexpr std::uint64_t kEntrySize = 20;  // what Linux's tmpfs adds to a directory's st_size for each name

class TmpfsDirectoryFile : public FileDescription {
 public:
  TmpfsDirectoryFile(const VfsPath& path, OpenFlags flags, std::shared_ptr<TmpfsDirectory> directory)
      : FileDescription(path, flags), directory_(std::move(directory)) {}

  InodePtr inode() const override { return directory_; }
  Result<std::size_t> read(IoSink&, std::optional<std::uint64_t>, int) override { return Errno(EISDIR); }
  Result<void> sync(bool) override { return {}; }
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> read_directory(DirectorySink& sink) override;

 private:
  std::uint64_t parent_number() const;

  std::shared_ptr<TmpfsDirectory> directory_;
  std::int64_t end_ = 0;  // guarded by the position's lock
};

Result<std::int64_t> TmpfsDirectoryFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(position->offset);
  if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0) return Errno(EINVAL);
  position->offset = offset;
  return offset;
}

std::uint64_t TmpfsDirectoryFile::parent_number() const {
  const DentryPtr parent = path().dentry->parent();
  const auto attributes = parent ? parent->inode_pointer()->attributes() : directory_->attributes();
  return attributes.ok() ? attributes->inode : 0;
}

Result<void> TmpfsDirectoryFile::read_directory(DirectorySink& sink) {
  if (path().dentry->deleted()) return Errno(ENOENT);
  auto position = position_.lock();
  if (position->offset == 0 || end_ == 0) end_ = directory_->end_cookie();
  if (position->offset == 0) {
    if (!sink.add(".", directory_->number(), DT_DIR, 1)) return {};
    position->offset = 1;
  }
  if (position->offset == 1) {
    if (!sink.add("..", parent_number(), DT_DIR, 2)) return {};
    position->offset = 2;
  }
  position->offset = directory_->list(static_cast<std::int64_t>(position->offset), end_, sink);
  return {};
}

}  // namespace

TmpfsDirectory::~TmpfsDirectory() {
  for (auto& [name, entry] : entries_) release_without_recursion(std::move(entry.node));
}

void TmpfsDirectory::fill(FileAttributes& file) { file.size = (2 + entries_.size()) * kEntrySize; }

Result<InodePtr> TmpfsDirectory::lookup(std::string_view name) {
  auto meta = meta_.lock();
  const auto it = entries_.find(name);
  if (it == entries_.end()) return Errno(ENOENT);
  return InodePtr(it->second.node);
}

Result<void> TmpfsDirectory::insert(std::string_view name, NodePtr node) {
  const bool is_directory = S_ISDIR(node->type());
  auto meta = meta_.lock();
  if (removed_) return Errno(ENOENT);
  const auto [it, fresh] = entries_.try_emplace(std::string(name), Entry{std::move(node), next_cookie_});
  if (!fresh) return Errno(EEXIST);
  order_.emplace_hint(order_.end(), next_cookie_++, &it->first);
  if (is_directory) ++meta->links;
  touch(*meta);
  return {};
}

TmpfsDirectory::NodePtr TmpfsDirectory::take(std::string_view name) {
  auto meta = meta_.lock();
  const auto it = entries_.find(name);
  if (it == entries_.end()) return nullptr;
  NodePtr node = std::move(it->second.node);
  order_.erase(it->second.cookie);
  entries_.erase(it);
  if (S_ISDIR(node->type())) --meta->links;
  touch(*meta);
  return node;
}

Result<void> TmpfsDirectory::retire() {
  auto meta = meta_.lock();
  if (!entries_.empty()) return Errno(ENOTEMPTY);
  removed_ = true;
  meta->links = 0;
  meta->change_time = now();
  return {};
}

template <typename Node, typename... Args>
Result<InodePtr> TmpfsDirectory::make(std::string_view name, Args&&... args) {
  if (!tmpfs().inodes().take(1)) return Errno(ENOSPC);
  auto node = std::make_shared<Node>(tmpfs(), std::forward<Args>(args)...);
  TRY(insert(name, node));
  return InodePtr(std::move(node));
}

Result<InodePtr> TmpfsDirectory::create(std::string_view name, const NewFile& file) {
  return make<TmpfsFile>(name, file, 1);
}

Result<InodePtr> TmpfsDirectory::make_directory(std::string_view name, const NewFile& file) {
  return make<TmpfsDirectory>(name, file);
}

Result<InodePtr> TmpfsDirectory::make_node(std::string_view name, const NewFile& file, std::uint64_t rdev) {
  return make<TmpfsSpecial>(name, file, rdev);
}

Result<InodePtr> TmpfsDirectory::make_symlink(std::string_view name, const NewFile& file, std::string_view target) {
  return make<TmpfsSymlink>(name, file, target);
}

Result<InodePtr> TmpfsDirectory::make_unnamed(const NewFile& file) {
  if (!tmpfs().inodes().take(1)) return Errno(ENOSPC);
  return InodePtr(std::make_shared<TmpfsFile>(tmpfs(), file, 0));
}

Result<void> TmpfsDirectory::make_link(std::string_view name, const InodePtr& target) {
  auto node = std::static_pointer_cast<TmpfsInode>(target);
  // A file that lost its last name stays without; one that never had a name (O_TMPFILE) may get one.
  const bool linkable =
      TRY(node->attributes()).links != 0 || (S_ISREG(node->type()) && static_cast<TmpfsFile&>(*node).never_named());
  if (!linkable) return Errno(ENOENT);
  node->change_links(1);
  if (const auto inserted = insert(name, node); !inserted.ok()) {
    node->change_links(-1);
    return inserted.error();
  }
  return {};
}

Result<void> TmpfsDirectory::unlink(std::string_view name, const InodePtr&) {
  const NodePtr node = take(name);
  if (!node) return Errno(ENOENT);
  node->change_links(-1);
  return {};
}

Result<void> TmpfsDirectory::remove_directory(std::string_view name, const InodePtr& child) {
  TRY(static_cast<TmpfsDirectory&>(*child).retire());
  return take(name) ? Result<void>() : Errno(ENOENT);
}

Result<void> TmpfsDirectory::rename(std::string_view old_name, const InodePtr& child, const InodePtr& new_directory,
                                    std::string_view new_name, const InodePtr& replaced, unsigned flags) {
  auto& target = static_cast<TmpfsDirectory&>(*new_directory);
  const auto moving = std::static_pointer_cast<TmpfsInode>(child);
  if ((flags & RENAME_EXCHANGE) != 0) {
    NodePtr other = target.take(new_name);
    NodePtr mine = take(old_name);
    TRY(insert(old_name, std::move(other)));
    TRY(target.insert(new_name, std::move(mine)));
    moving->change_links(0);
    std::static_pointer_cast<TmpfsInode>(replaced)->change_links(0);
    return {};
  }
  if ((flags & RENAME_WHITEOUT) != 0 && !tmpfs().inodes().take(1)) return Errno(ENOSPC);
  if (replaced && S_ISDIR(replaced->type())) {
    if (const auto retired = static_cast<TmpfsDirectory&>(*replaced).retire(); !retired.ok()) {
      if ((flags & RENAME_WHITEOUT) != 0) tmpfs().inodes().give_back(1);
      return retired.error();
    }
  }
  if (const NodePtr gone = replaced ? target.take(new_name) : nullptr; gone && !S_ISDIR(gone->type()))
    gone->change_links(-1);
  take(old_name);
  TRY(target.insert(new_name, moving));
  moving->change_links(0);
  if ((flags & RENAME_WHITEOUT) != 0) {
    const NewFile whiteout{S_IFCHR, kRootUid, kRootGid};
    TRY(insert(old_name, std::make_shared<TmpfsSpecial>(tmpfs(), whiteout, 0)));
  }
  return {};
}

Result<FilePtr> TmpfsDirectory::open(const VfsPath& path, OpenFlags flags) {
  return FilePtr(
      std::make_shared<TmpfsDirectoryFile>(path, flags, std::static_pointer_cast<TmpfsDirectory>(shared_from_this())));
}

std::int64_t TmpfsDirectory::end_cookie() {
  auto meta = meta_.lock();
  return next_cookie_;
}

std::int64_t TmpfsDirectory::list(std::int64_t cookie, std::int64_t end, DirectorySink& sink) {
  auto meta = meta_.lock();
  for (auto it = order_.lower_bound(cookie); it != order_.end() && it->first < end; ++it) {
    const auto entry = entries_.find(*it->second);
    const TmpfsInode& node = *entry->second.node;
    if (!sink.add(entry->first, node.number(), static_cast<std::uint8_t>(IFTODT(node.type())), it->first + 1))
      return it->first;
  }
  return std::max(cookie, end);
}

}  // namespace runsc
