#include "boot/fs/pseudo/pseudo_inode.h"

#include "boot/fs/pseudo/pseudo_files.h"
#include "boot/kernel/deadline.h"
#include "boot/vfs/permissions.h"

namespace runsc {

PseudoInode::PseudoInode(PseudoFileSystem& file_system, PseudoAttributes attributes)
    : Inode(file_system),
      attributes_(attributes),
      number_(file_system.next_inode()),
      made_at_ns_(now_ns(CLOCK_REALTIME)) {}

Result<FileAttributes> PseudoInode::attributes() {
  const PseudoAttributes now = current();
  FileAttributes out;
  out.mode = now.mode;
  out.inode = number_;
  out.device = file_system().device();
  out.links = S_ISDIR(now.mode) ? 2 : 1;
  out.uid = now.uid;
  out.gid = now.gid;
  out.block_size = 1024;
  out.access_time = out.modify_time = out.change_time = out.birth_time = to_timespec(made_at_ns_);
  return out;
}

Result<void> PseudoInode::check_permission(const Credentials& credentials, int may) {
  const PseudoAttributes now = current();
  FileAttributes attributes;
  attributes.mode = now.mode;
  attributes.uid = now.uid;
  attributes.gid = now.gid;
  return check_mode(credentials, attributes, may);
}

Result<void> TextInode::store(std::string_view) { return Errno(EIO); }

Result<FilePtr> TextInode::open(const VfsPath& path, OpenFlags flags) {
  auto self = std::static_pointer_cast<TextInode>(shared_from_this());
  return FilePtr(std::make_shared<TextFile>(path, flags, std::move(self)));
}

Result<void> TextInode::set_attributes(const AttributeChange& change) {
  if (change.mode || change.uid || change.gid) return Errno(EPERM);
  return {};
}

Result<InodePtr> PseudoDirectory::create(std::string_view, const NewFile&) {
  const Errno error = pseudo().creation_error();
  return error == Errno(EPERM) ? Errno(EACCES) : error;
}
Result<InodePtr> PseudoDirectory::make_directory(std::string_view, const NewFile&) { return pseudo().creation_error(); }
Result<InodePtr> PseudoDirectory::make_node(std::string_view, const NewFile&, std::uint64_t) {
  return pseudo().creation_error();
}
Result<InodePtr> PseudoDirectory::make_symlink(std::string_view, const NewFile&, std::string_view) {
  return pseudo().creation_error();
}
Result<void> PseudoDirectory::make_link(std::string_view, const InodePtr&) { return pseudo().creation_error(); }

Result<FilePtr> PseudoDirectory::open(const VfsPath& path, OpenFlags flags) {
  auto self = std::static_pointer_cast<PseudoDirectory>(shared_from_this());
  return FilePtr(std::make_shared<PseudoDirectoryFile>(path, flags, std::move(self)));
}

FixedDirectory& FixedDirectory::add(std::string name, InodePtr inode) {
  entries_.insert_or_assign(std::move(name), std::move(inode));
  return *this;
}

FixedDirectory& FixedDirectory::add_text(std::string name, FunctionFile::Show show, std::uint32_t permissions,
                                         FunctionFile::Store store) {
  return add(std::move(name), std::make_shared<FunctionFile>(pseudo(), PseudoAttributes{S_IFREG | permissions},
                                                             std::move(show), std::move(store)));
}

FixedDirectory& FixedDirectory::add_link(std::string name, std::string target) {
  return add(std::move(name), std::make_shared<FixedSymlink>(pseudo(), std::move(target)));
}

FixedDirectory& FixedDirectory::add_directory(std::string name, std::uint32_t permissions) {
  auto made = std::make_shared<FixedDirectory>(pseudo(), permissions);
  FixedDirectory& directory = *made;
  add(std::move(name), std::move(made));
  return directory;
}

Result<InodePtr> FixedDirectory::lookup(std::string_view name) {
  const auto it = entries_.find(name);
  return it != entries_.end() ? Result<InodePtr>(it->second) : Result<InodePtr>(Errno(ENOENT));
}

std::vector<PseudoEntry> FixedDirectory::list() {
  std::vector<PseudoEntry> list;
  for (const auto& [name, inode] : entries_)
    list.push_back({name, static_cast<std::uint8_t>(inode->type() >> 12)});  // DT_* is S_IFMT >> 12
  return list;
}

}  // namespace runsc
