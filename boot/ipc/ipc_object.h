// What System V IPC objects have in common (sysvipc(7)): keys, owners, permissions.
#pragma once

#include <sys/ipc.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "boot/base/result.h"
#include "boot/kernel/credentials.h"

namespace runsc {

// Access that an operation needs, as in the lowest three bits of a mode.
inline constexpr int kIpcRead = 4;
inline constexpr int kIpcWrite = 2;

struct IpcPermissions {
  key_t key = IPC_PRIVATE;
  Uid uid{}, creator_uid{};
  Gid gid{}, creator_gid{};
  std::uint32_t mode = 0;  // the lowest nine bits

  // EACCES.
  Result<void> check(const Credentials& credentials, int access) const;
  // As an ...get() call asks for with its flags: all that any of the three digits names.
  Result<void> check_flags(const Credentials& credentials, int flags) const;
  // EPERM: neither owner nor creator (IPC_SET, IPC_RMID).
  Result<void> check_owner(const Credentials& credentials) const;
  ipc_perm to_abi(int id) const;
  void set(const ipc_perm& wanted);
};

// The objects of one kind in one namespace, by id and key. Not thread-safe: the owner locks.
template <typename Object>
class IpcTable {
 public:
  using ObjectPtr = std::shared_ptr<Object>;
  using Entry = std::pair<int, ObjectPtr>;

  // EINVAL: none has this id.
  Result<ObjectPtr> get(int id) const {
    const auto it = objects_.find(id);
    if (it == objects_.end()) return Errno(EINVAL);
    return it->second;
  }
  // The ...at(index) of ..._STAT, in the order of the ids. EINVAL.
  Result<Entry> at(int index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= objects_.size()) return Errno(EINVAL);
    return Entry(*std::next(objects_.begin(), index));
  }
  // By key; null: none, or IPC_PRIVATE.
  Entry find(key_t key) const {
    if (key == IPC_PRIVATE) return {-1, nullptr};
    for (const auto& entry : objects_)
      if (entry.second->permissions.key == key) return entry;
    return {-1, nullptr};
  }
  // ENOSPC: `limit` are there already.
  Result<int> add(ObjectPtr object, std::size_t limit) {
    if (objects_.size() >= limit) return Errno(ENOSPC);
    do {
      last_ = last_ == INT32_MAX ? 0 : last_ + 1;
    } while (objects_.contains(last_));
    objects_.emplace(last_, std::move(object));
    return last_;
  }
  void remove(int id) { objects_.erase(id); }
  const std::map<int, ObjectPtr>& all() const { return objects_; }

 private:
  std::map<int, ObjectPtr> objects_;
  int last_ = -1;
};

// What ...get(2) means for a key: an existing object (checked with `fits`), ENOENT, EEXIST, or a new one by `make`.
template <typename Object, typename Fits, typename Make>
Result<int> get_or_make(IpcTable<Object>& table, const Credentials& credentials, key_t key, int flags,
                        std::size_t limit, Fits fits, Make make) {
  const auto [id, known] = table.find(key);
  if (known != nullptr) {
    if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) return Errno(EEXIST);
    TRY(fits(*known));
    TRY(known->permissions.check_flags(credentials, flags));
    return id;
  }
  if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0) return Errno(ENOENT);
  std::shared_ptr<Object> object = TRY(make());
  object->permissions = {key,
                         credentials.effective_uid,
                         credentials.effective_uid,
                         credentials.effective_gid,
                         credentials.effective_gid,
                         static_cast<std::uint32_t>(flags & 0777)};
  return table.add(std::move(object), limit);
}

// Seconds of the wall clock.
std::int64_t ipc_time();

}  // namespace runsc
