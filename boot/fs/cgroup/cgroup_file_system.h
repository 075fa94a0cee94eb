// cgroups(7) as a container sees its own: a hierarchy of one group, which holds every process and cannot be changed.
#pragma once

#include <memory>

#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/kernel.h"

namespace runsc {

class CgroupFileSystem : public PseudoFileSystem {
 public:
  // Version 1 shows a directory for each controller; version 2 the group itself: `control_group`, whose processes are
  // numbered as in `pid_namespace`.
  static std::shared_ptr<CgroupFileSystem> create(Kernel& kernel, PidNamespacePtr pid_namespace,
                                                  std::shared_ptr<ControlGroup> control_group, int version);

  std::string_view type_name() const override { return version_ == 2 ? "cgroup2" : "cgroup"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;

  Kernel& kernel() const { return kernel_; }
  const PidNamespacePtr& pid_namespace() const { return pid_namespace_; }
  ControlGroup& control_group() const { return *control_group_; }

 private:
  CgroupFileSystem(Kernel& kernel, PidNamespacePtr pid_namespace, std::shared_ptr<ControlGroup> control_group,
                   int version)
      : kernel_(kernel),
        pid_namespace_(std::move(pid_namespace)),
        control_group_(std::move(control_group)),
        version_(version) {}

  Kernel& kernel_;
  const PidNamespacePtr pid_namespace_;
  const std::shared_ptr<ControlGroup> control_group_;
  const int version_;
  InodePtr root_;
};

}  // namespace runsc
