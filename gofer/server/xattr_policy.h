// Which extended attributes a sandbox can see and change.
#pragma once

#include <string_view>

#include "boot/base/result.h"

namespace runsc::gofer {

// user.*: data of programs, without meaning to the host. security.capability: what execve needs to know; setting it
// would give a file on the host power that the sandbox does not have. Everything else (trusted.*, ACLs, labels of
// security modules) means something to the host.
inline bool xattr_visible(std::string_view name) { return name.starts_with("user.") || name == "security.capability"; }

inline Result<void> check_xattr_read(std::string_view name) {
  if (!xattr_visible(name)) return Errno(EOPNOTSUPP);
  return {};
}

inline Result<void> check_xattr_change(std::string_view name) {
  if (name.starts_with("user.")) return {};
  return Errno(xattr_visible(name) ? EPERM : EOPNOTSUPP);
}

}  // namespace runsc::gofer
