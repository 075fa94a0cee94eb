// User and group ids, groups and capabilities: credentials(7), setuid(2), setresuid(2), setgroups(2), capset(2) ...
#include <linux/capability.h>

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr Uid kKeepUid{~0U};
constexpr Gid kKeepGid{~0U};

bool may_set_uids(const Credentials& c) { return c.has_at_home(CAP_SETUID); }
bool may_set_gids(const Credentials& c) { return c.has_at_home(CAP_SETGID); }

// An id as the caller's user namespace names it. EINVAL: it is not mapped there.
Result<Uid> named(const Credentials& c, Uid id) {
  return id == kKeepUid ? Result<Uid>(id) : global_uid(c.user_namespace, id);
}
Result<Gid> named(const Credentials& c, Gid id) {
  return id == kKeepGid ? Result<Gid>(id) : global_gid(c.user_namespace, id);
}
Uid shown(const Credentials& c, Uid id) { return shown_uid(c.user_namespace, id); }
Gid shown(const Credentials& c, Gid id) { return shown_gid(c.user_namespace, id); }

bool is_one_of(Uid id, const Credentials& c) { return id == c.real_uid || id == c.effective_uid || id == c.saved_uid; }
bool is_one_of(Gid id, const Credentials& c) { return id == c.real_gid || id == c.effective_gid || id == c.saved_gid; }

// user_namespaces(7): dropping a group could give access, so that an unprivileged owner has to give this up.
bool may_set_groups(const UserNamespacePtr& names) {
  if (!names) return true;
  auto maps = names->maps().lock();
  return maps->may_set_groups && !maps->gids.extents().empty();
}

// Publishes changed ids: a process that changed who it is is not dumpable (prctl(2) PR_SET_DUMPABLE).
long commit(CurrentTask& task, Credentials& after) {
  const Credentials& before = *task.credentials();
  adjust_capabilities_after_uid_change(before, after);
  if (before.effective_uid != after.effective_uid || before.effective_gid != after.effective_gid ||
      !after.permitted.subset_of(before.permitted))
    task.group().dumpable.store(0);
  task.set_credentials(std::make_shared<Credentials>(std::move(after)));
  return 0;
}

}  // namespace

Result<long> sys_getuid(CurrentTask& task) { return raw(shown(*task.credentials(), task.credentials()->real_uid)); }
Result<long> sys_geteuid(CurrentTask& task) {
  return raw(shown(*task.credentials(), task.credentials()->effective_uid));
}
Result<long> sys_getgid(CurrentTask& task) { return raw(shown(*task.credentials(), task.credentials()->real_gid)); }
Result<long> sys_getegid(CurrentTask& task) {
  return raw(shown(*task.credentials(), task.credentials()->effective_gid));
}

Result<long> sys_setuid(CurrentTask& task, Uid uid) {
  if (uid == kKeepUid) return Errno(EINVAL);
  Credentials c = *task.credentials();
  uid = TRY(named(c, uid));
  if (may_set_uids(c)) {
    c.real_uid = c.saved_uid = uid;
  } else if (uid != c.real_uid && uid != c.saved_uid) {
    return Errno(EPERM);
  }
  c.effective_uid = c.fs_uid = uid;
  return commit(task, c);
}

Result<long> sys_setgid(CurrentTask& task, Gid gid) {
  if (gid == kKeepGid) return Errno(EINVAL);
  Credentials c = *task.credentials();
  gid = TRY(named(c, gid));
  if (may_set_gids(c)) {
    c.real_gid = c.saved_gid = gid;
  } else if (gid != c.real_gid && gid != c.saved_gid) {
    return Errno(EPERM);
  }
  c.effective_gid = c.fs_gid = gid;
  return commit(task, c);
}

Result<long> sys_setreuid(CurrentTask& task, Uid real, Uid effective) {
  const Credentials& old = *task.credentials();
  Credentials c = old;
  real = TRY(named(old, real));
  effective = TRY(named(old, effective));
  const bool capable = may_set_uids(old);
  if (real != kKeepUid) {
    if (real != old.real_uid && real != old.effective_uid && !capable) return Errno(EPERM);
    c.real_uid = real;
  }
  if (effective != kKeepUid) {
    if (!is_one_of(effective, old) && !capable) return Errno(EPERM);
    c.effective_uid = effective;
  }
  if (real != kKeepUid || (effective != kKeepUid && effective != old.real_uid)) c.saved_uid = c.effective_uid;
  c.fs_uid = c.effective_uid;
  return commit(task, c);
}

Result<long> sys_setregid(CurrentTask& task, Gid real, Gid effective) {
  const Credentials& old = *task.credentials();
  Credentials c = old;
  real = TRY(named(old, real));
  effective = TRY(named(old, effective));
  const bool capable = may_set_gids(old);
  if (real != kKeepGid) {
    if (real != old.real_gid && real != old.effective_gid && !capable) return Errno(EPERM);
    c.real_gid = real;
  }
  if (effective != kKeepGid) {
    if (!is_one_of(effective, old) && !capable) return Errno(EPERM);
    c.effective_gid = effective;
  }
  if (real != kKeepGid || (effective != kKeepGid && effective != old.real_gid)) c.saved_gid = c.effective_gid;
  c.fs_gid = c.effective_gid;
  return commit(task, c);
}

Result<long> sys_setresuid(CurrentTask& task, Uid real, Uid effective, Uid saved) {
  const Credentials& old = *task.credentials();
  for (Uid* id : {&real, &effective, &saved}) *id = TRY(named(old, *id));
  for (const Uid id : {real, effective, saved})
    if (id != kKeepUid && !is_one_of(id, old) && !may_set_uids(old)) return Errno(EPERM);
  Credentials c = old;
  if (real != kKeepUid) c.real_uid = real;
  if (effective != kKeepUid) c.effective_uid = effective;
  if (saved != kKeepUid) c.saved_uid = saved;
  c.fs_uid = c.effective_uid;
  return commit(task, c);
}

Result<long> sys_setresgid(CurrentTask& task, Gid real, Gid effective, Gid saved) {
  const Credentials& old = *task.credentials();
  for (Gid* id : {&real, &effective, &saved}) *id = TRY(named(old, *id));
  for (const Gid id : {real, effective, saved})
    if (id != kKeepGid && !is_one_of(id, old) && !may_set_gids(old)) return Errno(EPERM);
  Credentials c = old;
  if (real != kKeepGid) c.real_gid = real;
  if (effective != kKeepGid) c.effective_gid = effective;
  if (saved != kKeepGid) c.saved_gid = saved;
  c.fs_gid = c.effective_gid;
  return commit(task, c);
}

Result<long> sys_getresuid(CurrentTask& task, UserOut<Uid> real, UserOut<Uid> effective, UserOut<Uid> saved) {
  const Credentials& c = *task.credentials();
  TRY(task.write(real, shown(c, c.real_uid)));
  TRY(task.write(effective, shown(c, c.effective_uid)));
  TRY(task.write(saved, shown(c, c.saved_uid)));
  return 0;
}

Result<long> sys_getresgid(CurrentTask& task, UserOut<Gid> real, UserOut<Gid> effective, UserOut<Gid> saved) {
  const Credentials& c = *task.credentials();
  TRY(task.write(real, shown(c, c.real_gid)));
  TRY(task.write(effective, shown(c, c.effective_gid)));
  TRY(task.write(saved, shown(c, c.saved_gid)));
  return 0;
}

// setfsuid(2) and setfsgid(2) return the old id whether or not they changed it.
Result<long> sys_setfsuid(CurrentTask& task, Uid uid) {
  Credentials c = *task.credentials();
  const long old = raw(shown(c, c.fs_uid));
  const Result<Uid> meant = named(c, uid);
  if (uid == kKeepUid || !meant.ok()) return old;
  uid = *meant;
  if (!is_one_of(uid, c) && uid != c.fs_uid && !may_set_uids(c)) return old;
  c.fs_uid = uid;
  commit(task, c);
  return old;
}

Result<long> sys_setfsgid(CurrentTask& task, Gid gid) {
  Credentials c = *task.credentials();
  const long old = raw(shown(c, c.fs_gid));
  const Result<Gid> meant = named(c, gid);
  if (gid == kKeepGid || !meant.ok()) return old;
  gid = *meant;
  if (!is_one_of(gid, c) && gid != c.fs_gid && !may_set_gids(c)) return old;
  c.fs_gid = gid;
  commit(task, c);
  return old;
}

Result<long> sys_getgroups(CurrentTask& task, int size, UserOut<Gid> list) {
  const Credentials& c = *task.credentials();
  std::vector<Gid> groups = c.groups;
  for (Gid& gid : groups) gid = shown(c, gid);
  if (size < 0) return Errno(EINVAL);
  if (size == 0) return static_cast<long>(groups.size());
  if (groups.size() > static_cast<std::size_t>(size)) return Errno(EINVAL);
  TRY(task.write_array(list, std::span<const Gid>(groups)));
  return static_cast<long>(groups.size());
}

Result<long> sys_setgroups(CurrentTask& task, int size, UserIn<Gid> list) {
  constexpr int kMostGroups = 65536;
  Credentials c = *task.credentials();
  if (!may_set_gids(c) || !may_set_groups(c.user_namespace)) return Errno(EPERM);
  if (size < 0 || size > kMostGroups) return Errno(EINVAL);
  c.groups = TRY(task.read_array(list, static_cast<std::size_t>(size)));
  for (Gid& gid : c.groups) gid = TRY(global_gid(c.user_namespace, gid));
  std::sort(c.groups.begin(), c.groups.end());
  task.set_credentials(std::make_shared<Credentials>(std::move(c)));
  return 0;
}

namespace {

using CapabilityHeader = struct __user_cap_header_struct;
using CapabilityData = struct __user_cap_data_struct;

// How many data elements the version takes. EINVAL for an unknown one, after telling the preferred version.
Result<int> check_version(CurrentTask& task, UserInOut<CapabilityHeader> address, const CapabilityHeader& header) {
  switch (header.version) {
    case _LINUX_CAPABILITY_VERSION_1:
      return 1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
      return 2;
  }
  CapabilityHeader preferred = header;
  preferred.version = _LINUX_CAPABILITY_VERSION_3;
  TRY(task.write(address.out(), preferred));
  return Errno(EINVAL);
}

Result<CredentialsPtr> credentials_of(CurrentTask& task, int pid) {
  if (pid < 0) return Errno(EINVAL);
  if (pid == 0) return task.credentials();
  auto tree = task.kernel().tasks().lock();
  Task* found = task.task().pid_namespace()->find(*tree, Pid{pid});
  if (found == nullptr) return Errno(ESRCH);
  return found->credentials();
}

}  // namespace

Result<long> sys_capget(CurrentTask& task, UserInOut<CapabilityHeader> address, UserOut<CapabilityData> data) {
  const CapabilityHeader header = TRY(task.read(address.in()));
  const Result<int> count = check_version(task, address, header);
  if (!count.ok()) return !data && count.error() == Errno(EINVAL) ? Result<long>(0) : Result<long>(count.error());
  const CredentialsPtr c = TRY(credentials_of(task, header.pid));
  if (!data) return 0;
  CapabilityData words[2] = {};
  for (int i = 0; i < 2; ++i) {
    words[i].effective = static_cast<std::uint32_t>(c->effective.bits() >> (32 * i));
    words[i].permitted = static_cast<std::uint32_t>(c->permitted.bits() >> (32 * i));
    words[i].inheritable = static_cast<std::uint32_t>(c->inheritable.bits() >> (32 * i));
  }
  TRY(task.write_array(data, std::span<const CapabilityData>(words, static_cast<std::size_t>(*count))));
  return 0;
}

Result<long> sys_capset(CurrentTask& task, UserInOut<CapabilityHeader> address, UserIn<CapabilityData> data) {
  const CapabilityHeader header = TRY(task.read(address.in()));
  const int count = TRY(check_version(task, address, header));
  if (header.pid != 0 && header.pid != raw(task.task().tid())) return Errno(EPERM);
  const std::vector<CapabilityData> words = TRY(task.read_array(data, static_cast<std::size_t>(count)));
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
  for (int i = 0; i < count; ++i) {
    effective |= std::uint64_t{words[static_cast<std::size_t>(i)].effective} << (32 * i);
    permitted |= std::uint64_t{words[static_cast<std::size_t>(i)].permitted} << (32 * i);
    inheritable |= std::uint64_t{words[static_cast<std::size_t>(i)].inheritable} << (32 * i);
  }
  Credentials c = *task.credentials();
  const CapabilitySet new_effective(effective), new_permitted(permitted), new_inheritable(inheritable);
  const bool may_inherit_any = c.has_at_home(CAP_SETPCAP);
  if (!may_inherit_any && !new_inheritable.subset_of(c.inheritable | c.permitted)) return Errno(EPERM);
  if (!new_inheritable.subset_of(c.inheritable | c.bounding)) return Errno(EPERM);
  if (!new_permitted.subset_of(c.permitted)) return Errno(EPERM);
  if (!new_effective.subset_of(new_permitted)) return Errno(EPERM);
  c.effective = new_effective;
  c.permitted = new_permitted;
  c.inheritable = new_inheritable;
  c.ambient = c.ambient & new_permitted & new_inheritable;
  task.set_credentials(std::make_shared<Credentials>(std::move(c)));
  return 0;
}

}  // namespace runsc
