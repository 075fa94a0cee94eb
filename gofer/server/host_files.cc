#include "gofer/server/host_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

namespace runsc::gofer {
namespace {

Timestamp timestamp(const statx_timestamp& time) { return {time.tv_sec, time.tv_nsec}; }

Result<UniqueFd> open_beneath(int directory, const char* name, std::uint64_t flags, std::uint32_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  return own_fd(static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof(how))));
}

}  // namespace

DescriptorName::DescriptorName(int fd) { std::snprintf(text_, sizeof(text_), "%d", fd); }

Result<FileAttributes> attributes_of(int fd) {
  struct statx host {};
  TRY(host_result(::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &host)));
  FileAttributes out;
  out.inode = host.stx_ino;
  out.size = host.stx_size;
  out.blocks = host.stx_blocks;
  out.mode = host.stx_mode;
  out.link_count = host.stx_nlink;
  out.uid = host.stx_uid;
  out.gid = host.stx_gid;
  out.block_size = host.stx_blksize;
  out.device_major = host.stx_dev_major;
  out.device_minor = host.stx_dev_minor;
  out.rdev_major = host.stx_rdev_major;
  out.rdev_minor = host.stx_rdev_minor;
  out.access = timestamp(host.stx_atime);
  out.modify = timestamp(host.stx_mtime);
  out.change = timestamp(host.stx_ctime);
  out.has_birth = (host.stx_mask & STATX_BTIME) != 0;
  if (out.has_birth) out.birth = timestamp(host.stx_btime);
  out.flags = host.stx_attributes;
  return out;
}

Result<UniqueFd> open_entry(int directory, const ComponentName& name) {
  return open_beneath(directory, name.c_str(), O_PATH, 0);
}

Result<UniqueFd> create_entry(int directory, const ComponentName& name, int flags, std::uint32_t mode) {
  return open_beneath(directory, name.c_str(), static_cast<unsigned>(flags) | O_CREAT | O_EXCL, mode);
}

Result<UniqueFd> create_unnamed(int directory, int flags, std::uint32_t mode) {
  return open_beneath(directory, ".", static_cast<unsigned>(flags) | O_TMPFILE, mode);
}

Result<UniqueFd> reopen(int proc_self_fd, int fd, int flags) {
  return own_fd(::openat(proc_self_fd, DescriptorName(fd).c_str(), flags | O_CLOEXEC | O_NOCTTY));
}

Result<UniqueFd> duplicate(int fd) { return own_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

Result<void> change_mode(int proc_self_fd, int fd, std::uint32_t mode) {
  return host_result(::fchmodat(proc_self_fd, DescriptorName(fd).c_str(), mode, 0));
}

Result<void> change_owner(int fd, std::uint32_t uid, std::uint32_t gid) {
  return host_result(::fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

}  // namespace runsc::gofer
