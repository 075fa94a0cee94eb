// One mounted instance of devpts: the node ptmx and one node for every pseudoterminal whose master is open.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "boot/base/lock.h"
#include "boot/fs/devpts/mount_options.h"
#include "boot/fs/devpts/pty.h"
#include "boot/kernel/credentials.h"
#include "boot/vfs/inode.h"

namespace runsc {

inline constexpr unsigned kSlaveMajor = 136;
inline constexpr unsigned kTtyAuxMajor = 5;  // 0: /dev/tty, 1: /dev/console, 2: /dev/ptmx

class PtyNode;

// Thread-safe.
class DevptsFileSystem : public FileSystem {
 public:
  static std::shared_ptr<DevptsFileSystem> create(const DevptsOptions& options);
  ~DevptsFileSystem() override;

  std::string_view type_name() const override { return "devpts"; }
  InodePtr root() override;
  Result<struct statfs> statistics() override;
  std::string show_options() const override;
  Result<void> remount(std::string_view options) override;

  // A new pseudoterminal with the lowest free index; its node appears with the owner that the options and `credentials`
  // give. ENOSPC: no index left.
  Result<PtyPtr> add_pty(Kernel& kernel, const Credentials& credentials);
  // The node disappears; the index may be used again. Nothing happens when it is gone already.
  void remove_pty(unsigned index);

  Result<InodePtr> lookup(std::string_view name) const;
  std::vector<unsigned> indices() const;

 private:
  struct State {
    DevptsOptions options;
    std::map<unsigned, std::shared_ptr<PtyNode>> nodes;
  };
  explicit DevptsFileSystem(const DevptsOptions& options);

  Guarded<State, LockLevel::kFsInternal> state_;
  InodePtr ptmx_;
  InodePtr root_;
};

// An inode with attributes that chmod and chown change.
class DevptsInode : public Inode {
 public:
  DevptsInode(FileSystem& file_system, const FileAttributes& attributes);

  std::uint32_t type() const override { return type_; }
  Result<FileAttributes> attributes() override { return *attributes_.lock(); }
  Result<void> set_attributes(const AttributeChange& change) override;

 private:
  const std::uint32_t type_;
  Guarded<FileAttributes, LockLevel::kInode> attributes_;
};

// /dev/pts/N. The node does not keep the pseudoterminal alive: its open files do.
class PtyNode : public DevptsInode {
 public:
  PtyNode(FileSystem& file_system, const FileAttributes& attributes, const PtyPtr& pty)
      : DevptsInode(file_system, attributes), pty_(pty) {}
  PtyPtr pty() const { return pty_.lock(); }

 private:
  const std::weak_ptr<Pty> pty_;
};

}  // namespace runsc
