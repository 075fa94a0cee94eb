// cgroups(7) as a container sees its own: a hierarchy of one group, which holds every process and cannot be changed.
#pragma once

#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/kernel/kernel.h"

namespace runsc {

class CgroupFileSystem : public PseudoFileSystem {
 public:
  // Version 1 shows a directory for each controller; version 2 the group itself. The processes are those of
  // `pid_namespace`.
  static std::shared_ptr<CgroupFileSystem> create(Kernel& kernel, PidNamespacePtr pid_namespace, int version);

  std::string_view type_name() const override { return version_ == 2 ? "cgroup2" : "cgroup"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;

  Kernel& kernel() const { return kernel_; }
  const PidNamespacePtr& pid_namespace() const { return pid_namespace_; }

 private:
  CgroupFileSystem(Kernel& kernel, PidNamespacePtr pid_namespace, int version)
      : kernel_(kernel), pid_namespace_(std::move(pid_namespace)), version_(version) {}

  Kernel& kernel_;
  const PidNamespacePtr pid_namespace_;
  const int version_;
  InodePtr root_;
};

}  // namespace runsc
