#include "boot/kernel/credentials.h"

#include <linux/securebits.h>

#include <algorithm>

namespace runsc {
namespace {

constexpr CapabilitySet kFileSystemCapabilities((1ULL << CAP_CHOWN) | (1ULL << CAP_DAC_OVERRIDE) |
                                                (1ULL << CAP_DAC_READ_SEARCH) | (1ULL << CAP_FOWNER) |
                                                (1ULL << CAP_FSETID) | (1ULL << CAP_LINUX_IMMUTABLE) |
                                                (1ULL << CAP_MAC_OVERRIDE) | (1ULL << CAP_MKNOD));

bool is_root(const Credentials& c, Uid id) { return is_root_of(c.user_namespace, id); }

bool any_root(const Credentials& c) {
  return is_root(c, c.real_uid) || is_root(c, c.effective_uid) || is_root(c, c.saved_uid);
}

}  // namespace

bool Credentials::in_group(Gid gid) const {
  return gid == fs_gid || std::binary_search(groups.begin(), groups.end(), gid);
}

bool Credentials::has_in(const UserNamespacePtr& names, int capability) const {
  for (UserNamespacePtr at = names;; at = at->parent()) {
    if (at == user_namespace) return effective.has(capability);
    if (level_of(at) <= level_of(user_namespace)) return false;
    if (at->parent() == user_namespace && at->owner() == effective_uid) return true;
  }
}

CredentialsPtr root_credentials() {
  auto credentials = std::make_shared<Credentials>();
  credentials->permitted = credentials->effective = credentials->bounding = CapabilitySet::all();
  return credentials;
}

void give_all_capabilities(Credentials& credentials) {
  credentials.securebits = 0;
  credentials.keep_capabilities = false;
  credentials.inheritable = credentials.ambient = CapabilitySet();
  credentials.permitted = credentials.effective = credentials.bounding = CapabilitySet::all();
}

void adjust_capabilities_after_uid_change(const Credentials& before, Credentials& after) {
  if ((after.securebits & SECBIT_NO_SETUID_FIXUP) != 0) return;
  if (any_root(before) && !any_root(after)) {
    if (!after.keep_capabilities) after.permitted = after.effective = CapabilitySet();
    after.ambient = CapabilitySet();
  }
  const auto root = [&](Uid id) { return is_root(after, id); };
  if (root(before.effective_uid) && !root(after.effective_uid)) after.effective = CapabilitySet();
  if (!root(before.effective_uid) && root(after.effective_uid)) after.effective = after.permitted;
  if (root(before.fs_uid) && !root(after.fs_uid)) after.effective = after.effective & ~kFileSystemCapabilities;
  if (!root(before.fs_uid) && root(after.fs_uid))
    after.effective = after.effective | (after.permitted & kFileSystemCapabilities);
}

}  // namespace runsc
