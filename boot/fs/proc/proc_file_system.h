// proc(5): one instance shows the processes of one pid namespace.
#pragma once

#include "boot/fs/proc/namespace_numbers.h"
#include "boot/fs/proc/sysctl.h"
#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// What all instances of one sandbox have in common. Kernel and services outlive every file.
struct ProcShared {
  ProcShared(Kernel& kernel, VfsServices& services) : kernel(kernel), services(services), sysctls(kernel) {}

  Kernel& kernel;
  VfsServices& services;
  Sysctls sysctls;
  NamespaceNumbers namespaces;
};

class ProcFileSystem : public PseudoFileSystem {
 public:
  static std::shared_ptr<ProcFileSystem> create(std::shared_ptr<ProcShared> shared, PidNamespacePtr pid_namespace);

  std::string_view type_name() const override { return "proc"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;
  // Its directories do not look for names that nobody may make.
  Errno creation_error() const override { return Errno(ENOENT); }

  Kernel& kernel() const { return shared_->kernel; }
  VfsServices& services() const { return shared_->services; }
  ProcShared& shared() const { return *shared_; }
  const PidNamespacePtr& pid_namespace() const { return pid_namespace_; }

 private:
  ProcFileSystem(std::shared_ptr<ProcShared> shared, PidNamespacePtr pid_namespace)
      : shared_(std::move(shared)), pid_namespace_(std::move(pid_namespace)) {}

  const std::shared_ptr<ProcShared> shared_;
  const PidNamespacePtr pid_namespace_;
  InodePtr root_;
};

}  // namespace runsc
