#include "boot/fs/proc/proc_file_system.h"

#include <linux/magic.h>

#include "boot/fs/proc/register.h"
#include "boot/fs/proc/root_directory.h"
#include "boot/kernel/current_task.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

// Programs look at their own /proc/self/exe and the like, once: what was seen of processes that are gone shall not pile
// up. Enough for a walk through the processes that live.
constexpr std::size_t kCachedDentries = 512;

}  // namespace

std::shared_ptr<ProcFileSystem> ProcFileSystem::create(std::shared_ptr<ProcShared> shared,
                                                       PidNamespacePtr pid_namespace) {
  std::shared_ptr<ProcFileSystem> made(new ProcFileSystem(std::move(shared), std::move(pid_namespace)));
  made->dentry_cache().set_limit(kCachedDentries);
  made->root_ = make_root_directory(*made);
  return made;
}

Result<struct statfs> ProcFileSystem::statistics() {
  struct statfs out {};
  out.f_type = PROC_SUPER_MAGIC;
  out.f_bsize = out.f_frsize = 4096;
  out.f_namelen = 255;
  return out;
}

void register_proc(Kernel& kernel, VfsServices& services) {
  auto shared = std::make_shared<ProcShared>(kernel, services);
  services.set_sysctl = [shared](std::string_view name, std::string_view value) {
    return shared->sysctls.set(name, value);
  };
  services.get_sysctl = [shared](std::string_view name) { return shared->sysctls.value(name); };
  services.file_systems.add(
      "proc", true, [shared](CurrentTask* task, const MountRequest& request) -> Result<FileSystemPtr> {
        if (!request.options.empty()) return Errno(EINVAL);  // hidepid= and subset= would have to hide something
        PidNamespacePtr shown = task != nullptr ? task->task().pid_namespace() : request.pid_namespace;
        if (!shown) shown = shared->kernel.root_pid_namespace();
        return FileSystemPtr(ProcFileSystem::create(shared, std::move(shown)));
      });
}

}  // namespace runsc
