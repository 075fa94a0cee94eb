#include "boot/loader/exec_credentials.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "boot/vfs/mount.h"

namespace runsc {
namespace {

// struct vfs_ns_cap_data, little-endian like this machine.
struct CapabilityAttribute {
  std::uint32_t magic;
  std::array<std::uint32_t, 4> words;  // permitted and inheritable of 0..31, then of 32..63
  std::uint32_t root;                  // revision 3 only
};
constexpr std::size_t kRevision2Size = 20, kRevision3Size = 24;

// The effective ids that the file's mode bits give, unless its owners mean nothing in the user namespace.
void apply_set_id(Credentials& credentials, std::uint32_t mode, Uid owner, Gid group) {
  if (!maps_both(credentials.user_namespace, owner, group)) return;
  if ((mode & S_ISUID) != 0) credentials.effective_uid = owner;
  // Without the group's execute bit it is an old mark of mandatory locking.
  if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) credentials.effective_gid = group;
}

// Root executes as if the file had all capabilities.
FileCapabilities effective_file_capabilities(const Credentials& now, const std::optional<FileCapabilities>& file) {
  FileCapabilities result = file.value_or(FileCapabilities{});
  const auto is_root = [&](Uid id) { return is_root_of(now.user_namespace, id); };
  if ((now.securebits & SECBIT_NOROOT) != 0) return result;
  // A set-user-ID root program with capabilities of its own gets those only.
  if (file && !is_root(now.real_uid) && is_root(now.effective_uid)) return result;
  if (is_root(now.real_uid) || is_root(now.effective_uid)) {
    result.permitted = CapabilitySet::all();
    result.inheritable = CapabilitySet::all();
    result.effective = is_root(now.effective_uid) || result.effective;
  }
  return result;
}

bool needs_file_capabilities(const Credentials& old, bool may_gain, std::uint32_t mode) {
  const auto is_root = [&](Uid id) { return is_root_of(old.user_namespace, id); };
  // Root has them all anyway: most programs start without asking the file system.
  return may_gain && !(is_root(old.real_uid) && is_root(old.effective_uid) && (mode & S_ISUID) == 0 &&
                       (old.securebits & SECBIT_NOROOT) == 0);
}

}  // namespace

Result<std::optional<FileCapabilities>> parse_file_capabilities(std::span<const std::byte> value) {
  CapabilityAttribute attribute{};
  if (value.size() != kRevision2Size && value.size() != kRevision3Size) return Errno(EINVAL);
  std::memcpy(&attribute, value.data(), value.size());
  const std::uint32_t revision = attribute.magic & VFS_CAP_REVISION_MASK;
  if (revision != (value.size() == kRevision2Size ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3)) return Errno(EINVAL);
  if (attribute.root != 0) return std::optional<FileCapabilities>();
  const auto join = [&](int low, int high) {
    return CapabilitySet(attribute.words[low] | std::uint64_t{attribute.words[high]} << 32);
  };
  FileCapabilities capabilities{join(0, 2), join(1, 3), (attribute.magic & VFS_CAP_FLAGS_EFFECTIVE) != 0};
  return std::optional(capabilities);
}

Result<ExecCredentials> compute_exec_credentials(const Credentials& old, std::uint32_t mode, Uid owner, Gid group,
                                                 bool may_gain, const std::optional<FileCapabilities>& file) {
  auto next = std::make_shared<Credentials>(old);
  const bool gains = may_gain && !old.no_new_privileges;
  if (gains) apply_set_id(*next, mode, owner, group);
  // Capabilities of files are those of the sandbox's own user namespace.
  const auto own_file = may_gain && !old.user_namespace ? file : std::nullopt;
  const FileCapabilities given = effective_file_capabilities(*next, own_file);
  CapabilitySet permitted = (old.inheritable & given.inheritable) | (given.permitted & old.bounding);
  if (own_file && given.effective && !own_file->permitted.subset_of(permitted)) return Errno(EPERM);
  if (old.no_new_privileges) permitted = permitted & old.permitted;

  const bool set_id = next->effective_uid != old.real_uid || next->effective_gid != old.real_gid;
  const bool changes_id = next->effective_uid != old.effective_uid || next->effective_gid != old.effective_gid;
  if (own_file || (set_id && changes_id)) next->ambient = CapabilitySet();
  next->permitted = permitted | next->ambient;
  next->effective = given.effective ? next->permitted : next->ambient;
  next->saved_uid = next->fs_uid = next->effective_uid;
  next->saved_gid = next->fs_gid = next->effective_gid;
  next->keep_capabilities = false;
  next->securebits &= ~SECBIT_KEEP_CAPS;

  const bool raised = given.effective || !next->permitted.subset_of(next->ambient);
  const bool secure = set_id || (!is_root_of(next->user_namespace, next->real_uid) && own_file && raised);
  return ExecCredentials{std::move(next), secure};
}

Result<ExecCredentials> exec_credentials(const Credentials& old, FileDescription& file) {
  const FileAttributes attributes = TRY(file.attributes());
  const bool may_gain = file.path() && (file.path().mount->flags() & MS_NOSUID) == 0;
  std::optional<FileCapabilities> capabilities;
  const InodePtr inode = file.inode();
  if (inode != nullptr && needs_file_capabilities(old, may_gain, attributes.mode)) {
    const auto value = inode->get_xattr("security.capability");
    if (value.ok()) capabilities = TRY(parse_file_capabilities(*value));
  }
  return compute_exec_credentials(old, attributes.mode, attributes.uid, attributes.gid, may_gain, capabilities);
}

}  // namespace runsc
