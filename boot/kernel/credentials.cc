#include "boot/kernel/credentials.h"

#include <linux/securebits.h>

#include <algorithm>

namespace runsc {
namespace {

constexpr CapabilitySet kFileSystemCapabilities(
    (1ULL << CAP_CHOWN) | (1ULL << CAP_DAC_OVERRIDE) | (1ULL << CAP_DAC_READ_SEARCH) | (1ULL << CAP_FOWNER) |
    (1ULL << CAP_FSETID) | (1ULL << CAP_LINUX_IMMUTABLE) | (1ULL << CAP_MAC_OVERRIDE) | (1ULL << CAP_MKNOD));

bool any_root(const Credentials& c) {
  return c.real_uid == kRootUid || c.effective_uid == kRootUid || c.saved_uid == kRootUid;
}

}  // namespace

bool Credentials::in_group(Gid gid) const {
  return gid == fs_gid || std::binary_search(groups.begin(), groups.end(), gid);
}

CredentialsPtr root_credentials() {
  auto credentials = std::make_shared<Credentials>();
  credentials->permitted = credentials->effective = credentials->bounding = CapabilitySet::all();
  return credentials;
}

void adjust_capabilities_after_uid_change(const Credentials& before, Credentials& after) {
  if ((after.securebits & SECBIT_NO_SETUID_FIXUP) != 0) return;
  if (any_root(before) && !any_root(after)) {
    if (!after.keep_capabilities) after.permitted = after.effective = CapabilitySet();
    after.ambient = CapabilitySet();
  }
  if (before.effective_uid == kRootUid && after.effective_uid != kRootUid) after.effective = CapabilitySet();
  if (before.effective_uid != kRootUid && after.effective_uid == kRootUid) after.effective = after.permitted;
  if (before.fs_uid == kRootUid && after.fs_uid != kRootUid)
    after.effective = after.effective & ~kFileSystemCapabilities;
  if (before.fs_uid != kRootUid && after.fs_uid == kRootUid)
    after.effective = after.effective | (after.permitted & kFileSystemCapabilities);
}

}  // namespace runsc
