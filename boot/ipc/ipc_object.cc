#include "boot/ipc/ipc_object.h"

#include "boot/kernel/deadline.h"

namespace runsc {

Result<void> IpcPermissions::check(const Credentials& credentials, int access) const {
  int granted = mode & 7;
  const bool owner = credentials.effective_uid == uid || credentials.effective_uid == creator_uid;
  if (owner) {
    granted = mode >> 6 & 7;
  } else if (credentials.effective_gid == gid || credentials.effective_gid == creator_gid ||
             credentials.in_group(gid) || credentials.in_group(creator_gid)) {
    granted = mode >> 3 & 7;
  }
  if ((access & ~granted & 6) != 0 && !credentials.has(CAP_IPC_OWNER)) return Errno(EACCES);
  return {};
}

Result<void> IpcPermissions::check_flags(const Credentials& credentials, int flags) const {
  return check(credentials, flags >> 6 | flags >> 3 | flags);
}

Result<void> IpcPermissions::check_owner(const Credentials& credentials) const {
  const Uid caller = credentials.effective_uid;
  if (caller == uid || caller == creator_uid || credentials.has(CAP_SYS_ADMIN)) return {};
  return Errno(EPERM);
}

ipc_perm IpcPermissions::to_abi(int id) const {
  ipc_perm abi{};
  abi.__key = key;
  abi.uid = raw(uid);
  abi.gid = raw(gid);
  abi.cuid = raw(creator_uid);
  abi.cgid = raw(creator_gid);
  abi.mode = mode;
  abi.__seq = static_cast<unsigned short>(id >> 15);
  return abi;
}

void IpcPermissions::set(const ipc_perm& wanted) {
  uid = Uid{wanted.uid};
  gid = Gid{wanted.gid};
  mode = wanted.mode & 0777;
}

std::int64_t ipc_time() { return now_ns(CLOCK_REALTIME) / kNanosecondsPerSecond; }

}  // namespace runsc
