// What execve(2) makes of the caller's identity (credentials(7), capabilities(7) "Transformation of capabilities during
// execve()").
#pragma once

#include <optional>
#include <span>

#include "boot/base/result.h"
#include "boot/kernel/credentials.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// The attribute security.capability.
struct FileCapabilities {
  CapabilitySet permitted;
  CapabilitySet inheritable;
  bool effective = false;
};
// EINVAL: not revision 2 or 3, or the wrong size. Revision 3 counts only when its root is user 0.
Result<std::optional<FileCapabilities>> parse_file_capabilities(std::span<const std::byte> value);

struct ExecCredentials {
  CredentialsPtr credentials;
  bool secure = false;  // AT_SECURE
};
// EPERM: the file demands capabilities that the bounding set lacks. Pure: `mode`, `owner`, `group` are the file's,
// `may_gain` is false on a nosuid mount.
Result<ExecCredentials> compute_exec_credentials(const Credentials& old, std::uint32_t mode, Uid owner, Gid group,
                                                 bool may_gain, const std::optional<FileCapabilities>& file);
// The same for an opened file.
Result<ExecCredentials> exec_credentials(const Credentials& old, FileDescription& file);

}  // namespace runsc
