// Root, working directory, umask (shared by CLONE_FS), and the mount namespace they lie in.
#pragma once

#include <cstdint>
#include <memory>

#include "boot/base/lock.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

// Thread-safe.
class FsContext {
 public:
  struct State {
    MountNamespacePtr mounts;
    VfsPath root, cwd;
    std::uint32_t umask = 0;
  };

  FsContext(MountNamespacePtr mounts, VfsPath root, VfsPath cwd, std::uint32_t umask);

  VfsPath root() const { return state_.lock()->root; }
  VfsPath cwd() const { return state_.lock()->cwd; }
  std::uint32_t umask() const { return state_.lock()->umask; }
  MountNamespacePtr mounts() const { return state_.lock()->mounts; }
  // All of it at one moment.
  State snapshot() const;
  void set_root(VfsPath root);
  void set_cwd(VfsPath cwd);
  // Returns the old one.
  std::uint32_t set_umask(std::uint32_t umask);
  std::shared_ptr<FsContext> copy() const;
  // CLONE_NEWNS: the same places in a copy of the mount namespace, which `owner` owns.
  void unshare_mounts(UserNamespacePtr owner);
  // setns(2): root and working directory become the root of `mounts`.
  void enter_mounts(MountNamespacePtr mounts);

 private:
  Guarded<State, LockLevel::kFsContext> state_;
};

}  // namespace runsc
