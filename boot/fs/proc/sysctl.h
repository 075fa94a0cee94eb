// /proc/sys: parameters of the kernel (sysctl(8)). Most of them are only kept and shown.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "boot/base/lock.h"
#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/kernel/kernel.h"

namespace runsc {

// The values, shared by all proc mounts of a sandbox. Thread-safe.
class Sysctls {
 public:
  explicit Sysctls(Kernel& kernel);

  // `name` with dots or slashes. ENOENT, EPERM (never changes), EINVAL.
  Result<void> set(std::string_view name, std::string_view value);
  // ENOENT: not known, or computed by its file.
  Result<std::string> value(std::string_view path);
  // The tree of files. This object outlives the file system.
  InodePtr directory(PseudoFileSystem& file_system);

 private:
  Result<std::string> show(const std::string& path);

  Kernel& kernel_;
  const std::string boot_id_;
  Guarded<std::map<std::string, std::string, std::less<>>, LockLevel::kLeaf> values_;  // by path, with slashes
};

}  // namespace runsc
