#include "boot/fs/tmpfs/tmpfs_inode.h"

#include <sys/xattr.h>

#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

// All attributes of one inode together; Linux's other file systems have less.
constexpr std::size_t kMaxXattrBytes = 256 * 1024;

}  // namespace

// As Linux: the time of the last tick, which costs no system call.
timespec TmpfsInode::now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return time;
}

TmpfsInode::TmpfsInode(TmpfsFileSystem& file_system, const NewFile& file, std::uint32_t type, std::uint32_t links)
    : Inode(file_system),
      meta_(Meta{links, now(), now(), now(), now(), {}, 0}),
      number_(file_system.next_inode()),
      type_(type),
      permissions_(file.mode & 07777),
      uid_(raw(file.uid)),
      gid_(raw(file.gid)) {}

TmpfsInode::~TmpfsInode() { tmpfs().inodes().give_back(1); }

Result<FileAttributes> TmpfsInode::attributes() {
  FileAttributes file;
  auto meta = meta_.lock();
  file.mode = type_ | permissions_.load(std::memory_order_relaxed);
  file.inode = number_;
  file.device = file_system().device();
  file.links = meta->links;
  file.uid = Uid(uid_.load(std::memory_order_relaxed));
  file.gid = Gid(gid_.load(std::memory_order_relaxed));
  file.access_time = meta->access_time;
  file.modify_time = meta->modify_time;
  file.change_time = meta->change_time;
  file.birth_time = meta->birth_time;
  fill(file);
  return file;
}

Result<void> TmpfsInode::set_attributes(const AttributeChange& change) {
  TRY(apply(change));
  if (change.size) resized();
  return {};
}

Result<void> TmpfsInode::apply(const AttributeChange& change) {
  auto meta = meta_.lock();
  const timespec time = now();
  if (change.size) {
    TRY(resize_locked(*change.size));
    meta->modify_time = time;
  }
  if (change.mode) permissions_.store(*change.mode & 07777, std::memory_order_relaxed);
  if (change.uid) uid_.store(raw(*change.uid), std::memory_order_relaxed);
  if (change.gid) gid_.store(raw(*change.gid), std::memory_order_relaxed);
  if (change.access_time) meta->access_time = change.access_time->now ? time : change.access_time->time;
  if (change.modify_time) meta->modify_time = change.modify_time->now ? time : change.modify_time->time;
  meta->change_time = time;
  return {};
}

Result<void> TmpfsInode::check_permission(const Credentials& credentials, int may) {
  FileAttributes file;
  file.mode = type_ | permissions_.load(std::memory_order_relaxed);
  file.uid = Uid(uid_.load(std::memory_order_relaxed));
  file.gid = Gid(gid_.load(std::memory_order_relaxed));
  return check_mode(credentials, file, may);
}

void TmpfsInode::change_links(int delta) {
  auto meta = meta_.lock();
  meta->links += delta;
  meta->change_time = now();
}

Result<std::vector<std::byte>> TmpfsInode::get_xattr(std::string_view name) {
  auto meta = meta_.lock();
  const auto it = meta->xattrs.find(name);
  if (it == meta->xattrs.end()) return Errno(ENODATA);
  return it->second;
}

Result<void> TmpfsInode::set_xattr(std::string_view name, std::span<const std::byte> value, int flags) {
  auto meta = meta_.lock();
  const auto it = meta->xattrs.find(name);
  const bool exists = it != meta->xattrs.end();
  if ((flags & XATTR_CREATE) != 0 && exists) return Errno(EEXIST);
  if ((flags & XATTR_REPLACE) != 0 && !exists) return Errno(ENODATA);
  const std::size_t old = exists ? name.size() + it->second.size() : 0;
  if (meta->xattr_bytes - old + name.size() + value.size() > kMaxXattrBytes) return Errno(ENOSPC);
  meta->xattr_bytes += name.size() + value.size() - old;
  meta->xattrs.insert_or_assign(std::string(name), std::vector<std::byte>(value.begin(), value.end()));
  meta->change_time = now();
  return {};
}

Result<void> TmpfsInode::remove_xattr(std::string_view name) {
  auto meta = meta_.lock();
  const auto it = meta->xattrs.find(name);
  if (it == meta->xattrs.end()) return Errno(ENODATA);
  meta->xattr_bytes -= name.size() + it->second.size();
  meta->xattrs.erase(it);
  meta->change_time = now();
  return {};
}

Result<std::vector<std::string>> TmpfsInode::list_xattrs() {
  std::vector<std::string> names;
  auto meta = meta_.lock();
  for (const auto& [name, value] : meta->xattrs) names.push_back(name);
  return names;
}

}  // namespace runsc
