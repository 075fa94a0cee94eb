#include "boot/fs/register_all.h"

#include "boot/fs/cgroup/register.h"
#include "boot/fs/dev/memory_devices.h"
#include "boot/fs/devpts/register.h"
#include "boot/fs/mqueue/register.h"
#include "boot/fs/pipe/fifo.h"
#include "boot/fs/proc/register.h"
#include "boot/fs/sys/register.h"
#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/memory/memory_file.h"

namespace runsc {

Result<void> register_file_systems(Kernel& kernel, VfsServices& services) {
  register_memory_devices(services);
  register_devpts(kernel, services);
  register_tmpfs(services, TRY(MemoryFile::create()));
  register_proc(kernel, services);
  register_sysfs(kernel, services);
  register_cgroup(kernel, services);
  register_mqueue(services);
  services.open_fifo = open_fifo;
  return {};
}

}  // namespace runsc
