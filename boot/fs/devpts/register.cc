#include "boot/fs/devpts/register.h"

#include "boot/fs/devpts/devpts_file_system.h"

namespace runsc {

void register_devpts(Kernel& kernel, VfsServices& services) {
  (void)kernel;
  services.file_systems.add("devpts", true,
                            [](CurrentTask*, const MountRequest& request) -> Result<FileSystemPtr> {
                              DevptsOptions options;
                              TRY(options.parse(request.options));
                              return FileSystemPtr(DevptsFileSystem::create(options));
                            });
}

}  // namespace runsc
