// sysfs(5): the devices that a sandbox has, which are few.
#pragma once

#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

class SysFileSystem : public PseudoFileSystem {
 public:
  // `services` outlives it. `processors`: those it lists, one bit each.
  static std::shared_ptr<SysFileSystem> create(const VfsServices& services, std::uint64_t processors);

  std::string_view type_name() const override { return "sysfs"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;

 private:
  SysFileSystem() = default;
  InodePtr root_;
};

// The parts of the tree. Each adds to directories that exist already.
void add_processors(FixedDirectory& system, std::uint64_t set);  // devices/system/cpu, devices/system/node
void add_network(FixedDirectory& root, SysFileSystem& file_system,
                 const VfsServices& services);   // class/net, devices/virtual/net
void add_kernel_settings(FixedDirectory& root);  // kernel/mm and its like

// Text that never changes; the newline is added.
void add_value(FixedDirectory& directory, std::string name, std::string value, std::uint32_t permissions = 0444);

}  // namespace runsc
