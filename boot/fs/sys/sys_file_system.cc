#include "boot/fs/sys/sys_file_system.h"

#include <linux/magic.h>

#include "boot/fs/sys/register.h"
#include "boot/kernel/processors.h"

namespace runsc {
namespace {

constexpr std::uint32_t kDirectoryMode = 0755;

InodePtr make_root(SysFileSystem& file_system, const VfsServices& services, std::uint64_t processors) {
  auto root = std::make_shared<FixedDirectory>(file_system, 0555);
  for (const char* name : {"block", "dev", "firmware", "hypervisor", "power"})
    root->add_directory(name, kDirectoryMode);
  FixedDirectory& devices = root->add_directory("devices", kDirectoryMode);
  devices.add_directory("virtual", kDirectoryMode);
  add_processors(devices.add_directory("system", kDirectoryMode), processors);
  FixedDirectory& fs = root->add_directory("fs", kDirectoryMode);
  fs.add_directory("cgroup", 0755);
  fs.add_directory("fuse", kDirectoryMode).add_directory("connections", kDirectoryMode);
  root->add_directory("bus", kDirectoryMode);
  root->add_directory("module", kDirectoryMode);
  root->add_directory("class", kDirectoryMode);
  root->add_directory("kernel", kDirectoryMode);
  add_network(*root, file_system, services);
  add_kernel_settings(*root);
  return root;
}

}  // namespace

void add_value(FixedDirectory& directory, std::string name, std::string value, std::uint32_t permissions) {
  directory.add_text(
      std::move(name), [value = std::move(value) + "\n"]() -> Result<std::string> { return value; }, permissions);
}

std::shared_ptr<SysFileSystem> SysFileSystem::create(const VfsServices& services, std::uint64_t processors) {
  std::shared_ptr<SysFileSystem> made(new SysFileSystem());
  made->root_ = make_root(*made, services, processors);
  return made;
}

Result<struct statfs> SysFileSystem::statistics() {
  struct statfs out {};
  out.f_type = SYSFS_MAGIC;
  out.f_bsize = out.f_frsize = 4096;
  out.f_namelen = 255;
  return out;
}

void register_sysfs(Kernel& kernel, VfsServices& services) {
  services.file_systems.add("sysfs", true,
                            [&kernel, &services](CurrentTask*, const MountRequest& request) -> Result<FileSystemPtr> {
                              if (!request.options.empty()) return Errno(EINVAL);
                              return FileSystemPtr(SysFileSystem::create(services, online_processors(kernel)));
                            });
}

}  // namespace runsc
