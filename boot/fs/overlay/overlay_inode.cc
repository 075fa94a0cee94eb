#include "boot/fs/overlay/overlay_inode.h"

#include "boot/fs/overlay/overlay_directory.h"
#include "boot/fs/overlay/overlay_open_file.h"
#include "boot/vfs/permissions.h"
#include "boot/vfs/release.h"

namespace runsc {

OverlayInode::OverlayInode(OverlayFileSystem& file_system, std::uint32_t type, Origin origin)
    : Inode(file_system),
      type_(type),
      lower_(std::move(origin.lower)),
      upper_(std::move(origin.upper)),
      published_upper_(upper_.get()),
      number_(lower_ ? 0 : file_system.next_inode()),
      links_(lower_ ? -1 : 1),
      parent_(std::move(origin.parent)),
      name_(std::move(origin.name)) {}

OverlayInode::~OverlayInode() {
  if (parent_) release_without_recursion(InodePtr(std::move(parent_)));
}

Inode& OverlayInode::source() const {
  Inode* const upper = published_upper_.load(std::memory_order_acquire);
  return upper != nullptr ? *upper : *lower_;
}

Result<FileAttributes> OverlayInode::attributes() {
  const bool changed = published_upper_.load(std::memory_order_acquire) != nullptr;
  FileAttributes file = TRY(source().attributes());
  file.device = file_system().device();
  if (const std::uint64_t number = number_.load(std::memory_order_relaxed); number != 0) file.inode = number;
  if (const int links = links_.load(std::memory_order_relaxed); links >= 0) file.links = links;
  if (!changed && !S_ISDIR(type_)) return file;
  file.mode = type_ | (file.mode & 07777);
  fill(file);
  return file;
}

Result<void> OverlayInode::check_permission(const Credentials& credentials, int may) {
  if (published_upper_.load(std::memory_order_acquire) == nullptr) return lower_->check_permission(credentials, may);
  FileAttributes file = TRY(source().attributes());
  file.mode = type_ | (file.mode & 07777);
  return check_mode(credentials, file, may);
}

Result<void> OverlayInode::set_attributes(const AttributeChange& change) {
  TRY(copy_up(change.size.value_or(~0ULL)));
  return upper_->set_attributes(change);
}

Result<std::vector<std::byte>> OverlayInode::get_xattr(std::string_view name) { return source().get_xattr(name); }

Result<void> OverlayInode::set_xattr(std::string_view name, std::span<const std::byte> value, int flags) {
  TRY(copy_up());
  return upper_->set_xattr(name, value, flags);
}

Result<void> OverlayInode::remove_xattr(std::string_view name) {
  TRY(source().get_xattr(name));
  TRY(copy_up());
  return upper_->remove_xattr(name);
}

Result<std::vector<std::string>> OverlayInode::list_xattrs() { return source().list_xattrs(); }

Result<void> OverlayInode::change_links(int delta) {
  int links = links_.load();
  if (links < 0) links = static_cast<int>(TRY(lower_->attributes()).links);
  links_.store(std::max(links + delta, 0));
  // ctime changes.
  if (const InodePtr changed = upper()) TRY(changed->set_attributes({}));
  return {};
}

void OverlayInode::keep(const OverlayFileSystem::TreeLock& tree) {
  // Upwards, until a directory is kept already.
  auto self = std::static_pointer_cast<OverlayInode>(shared_from_this());
  while (self->parent_) {
    const std::shared_ptr<OverlayDirectory> parent = std::move(self->parent_);
    self->parent_ = nullptr;
    parent->keep_child(tree, self->name_, self);
    self = parent;
  }
}

void OverlayInode::leave_directory(const OverlayFileSystem::TreeLock&) { parent_ = nullptr; }

Result<FilePtr> OverlayFile::open(const VfsPath& path, OpenFlags flags) {
  if (flags.writable() || flags.has(O_TRUNC)) TRY(copy_up(flags.has(O_TRUNC) ? 0 : ~0ULL));
  return OverlayOpenFile::make(path, flags, std::static_pointer_cast<OverlayFile>(shared_from_this()));
}

Result<std::string> OverlayOther::read_link() {
  if (!S_ISLNK(type())) return Errno(EINVAL);
  if (lower()) return lower()->read_link();
  return target_;
}

// What the upper part, a regular file, cannot say.
void OverlayOther::fill(FileAttributes& file) {
  file.size = file.blocks = 0;
  file.rdev = rdev_;
  if (!lower()) {
    file.size = target_.size();
  } else if (const auto original = lower()->attributes(); original.ok()) {
    file.size = original->size;
    file.rdev = original->rdev;
  }
}

}  // namespace runsc
