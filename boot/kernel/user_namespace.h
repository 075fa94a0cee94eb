// User namespaces (user_namespaces(7)). Ids in Credentials, file attributes and everywhere else in the kernel are those
// of the sandbox; a namespace translates them at the edge, where the application names or reads them.
//
// The sandbox's own namespace has no object: a null pointer stands for it. In it every id means itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"

namespace runsc {

// One line of /proc/<pid>/uid_map: [inside, inside + count) are the ids from `global` on.
struct IdExtent {
  std::uint32_t inside = 0;
  std::uint32_t global = 0;
  std::uint32_t count = 0;
};

// At most 340 extents that do not overlap. Empty: nothing is mapped.
class IdMap {
 public:
  std::optional<std::uint32_t> to_global(std::uint32_t inside) const;
  std::optional<std::uint32_t> from_global(std::uint32_t global) const;
  const std::vector<IdExtent>& extents() const { return extents_; }
  void set(std::vector<IdExtent> extents) { extents_ = std::move(extents); }

 private:
  std::vector<IdExtent> extents_;
};

class UserNamespace;
using UserNamespacePtr = std::shared_ptr<UserNamespace>;

// Thread-safe.
class UserNamespace {
 public:
  struct Maps {
    IdMap uids, gids;
    bool may_set_groups = true;  // /proc/<pid>/setgroups
  };

  // `owner`, `group`: the effective ids of who made it. ENOSPC: nested too deeply; EPERM: these ids have no meaning in
  // `parent`.
  static Result<UserNamespacePtr> make(UserNamespacePtr parent, Uid owner, Gid group);
  UserNamespace(UserNamespacePtr parent, Uid owner, Gid group, bool may_set_groups);

  const UserNamespacePtr& parent() const { return parent_; }
  Uid owner() const { return owner_; }
  Gid group() const { return group_; }
  int level() const { return level_; }
  Guarded<Maps, LockLevel::kLeaf>& maps() { return maps_; }
  // Whether /proc/<pid>/setgroups says "allow".
  bool setgroups_allowed() { return maps_.lock()->may_set_groups; }

 private:
  const UserNamespacePtr parent_;
  const Uid owner_;
  const Gid group_;
  const int level_;
  Guarded<Maps, LockLevel::kLeaf> maps_;
};

inline int level_of(const UserNamespacePtr& names) { return names ? names->level() : 0; }

// What an id that `names` shows means in the sandbox. EINVAL: nothing.
Result<Uid> global_uid(const UserNamespacePtr& names, Uid shown);
Result<Gid> global_gid(const UserNamespacePtr& names, Gid shown);
// What `names` shows for an id: 65534 for one that it does not map.
Uid shown_uid(const UserNamespacePtr& names, Uid id);
Gid shown_gid(const UserNamespacePtr& names, Gid id);
// Whether both are mapped.
bool maps_both(const UserNamespacePtr& names, Uid uid, Gid gid);
bool is_root_of(const UserNamespacePtr& names, Uid id);
inline bool setgroups_allowed(const UserNamespacePtr& names) { return !names || names->setgroups_allowed(); }

}  // namespace runsc
