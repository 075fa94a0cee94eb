#include "boot/kernel/user_namespace.h"

namespace runsc {
namespace {

constexpr std::uint32_t kOverflowId = 65534;
constexpr int kDeepest = 32;

std::optional<std::uint32_t> translate(std::uint32_t id, std::uint32_t from, std::uint32_t to, std::uint32_t count) {
  if (id < from || id - from >= count) return std::nullopt;
  return to + (id - from);
}

}  // namespace

std::optional<std::uint32_t> IdMap::to_global(std::uint32_t inside) const {
  for (const IdExtent& each : extents_)
    if (const auto id = translate(inside, each.inside, each.global, each.count)) return id;
  return std::nullopt;
}

std::optional<std::uint32_t> IdMap::from_global(std::uint32_t global) const {
  for (const IdExtent& each : extents_)
    if (const auto id = translate(global, each.global, each.inside, each.count)) return id;
  return std::nullopt;
}

UserNamespace::UserNamespace(UserNamespacePtr parent, Uid owner, Gid group, bool may_set_groups)
    : parent_(std::move(parent)), owner_(owner), group_(group), level_(level_of(parent_) + 1) {
  maps_.lock()->may_set_groups = may_set_groups;
}

Result<UserNamespacePtr> UserNamespace::make(UserNamespacePtr parent, Uid owner, Gid group) {
  if (level_of(parent) >= kDeepest) return Errno(ENOSPC);
  if (!maps_both(parent, owner, group)) return Errno(EPERM);
  const bool may_set_groups = runsc::setgroups_allowed(parent);
  return std::make_shared<UserNamespace>(std::move(parent), owner, group, may_set_groups);
}

Result<Uid> global_uid(const UserNamespacePtr& names, Uid shown) {
  if (!names) return shown;
  const auto id = names->maps().lock()->uids.to_global(raw(shown));
  if (!id) return Errno(EINVAL);
  return Uid{*id};
}

Result<Gid> global_gid(const UserNamespacePtr& names, Gid shown) {
  if (!names) return shown;
  const auto id = names->maps().lock()->gids.to_global(raw(shown));
  if (!id) return Errno(EINVAL);
  return Gid{*id};
}

Uid shown_uid(const UserNamespacePtr& names, Uid id) {
  if (!names) return id;
  return Uid{names->maps().lock()->uids.from_global(raw(id)).value_or(kOverflowId)};
}

Gid shown_gid(const UserNamespacePtr& names, Gid id) {
  if (!names) return id;
  return Gid{names->maps().lock()->gids.from_global(raw(id)).value_or(kOverflowId)};
}

bool maps_both(const UserNamespacePtr& names, Uid uid, Gid gid) {
  if (!names) return true;
  auto maps = names->maps().lock();
  return maps->uids.from_global(raw(uid)) && maps->gids.from_global(raw(gid));
}

bool is_root_of(const UserNamespacePtr& names, Uid id) {
  if (!names) return id == kRootUid;
  return names->maps().lock()->uids.from_global(raw(id)) == std::uint32_t{0};
}

}  // namespace runsc
