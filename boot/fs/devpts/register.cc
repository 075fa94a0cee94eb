#include "boot/fs/devpts/register.h"

#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/fs/devpts/master_file.h"
#include "boot/fs/devpts/slave_file.h"
#include "boot/kernel/terminal_control.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

Result<FileSystemPtr> make_devpts(CurrentTask*, const MountRequest& request) {
  DevptsOptions options;
  TRY(options.parse(request.options));
  return FileSystemPtr(DevptsFileSystem::create(options));
}

bool is_devpts(const VfsPath& path) { return dynamic_cast<DevptsFileSystem*>(&path.mount->file_system()) != nullptr; }

// The devpts that a ptmx node belongs to: the one it lies in, else what is mounted on "pts" beside it.
Result<VfsPath> devpts_root_of(const VfsPath& ptmx) {
  if (is_devpts(ptmx)) return VfsPath{ptmx.mount, Dentry::root_of(ptmx.mount->file_system_ptr())};
  const DentryPtr directory = ptmx.dentry->parent();
  if (!directory) return Errno(ENODEV);
  const Result<DentryPtr> beside = directory->child("pts");
  if (!beside.ok() || (*beside)->negative()) return Errno(ENODEV);
  VfsPath found = follow_mounts({ptmx.mount, *beside});
  const bool is_root = found.dentry == found.mount->root();
  if (!is_root || !is_devpts(found)) return Errno(ENODEV);
  return found;
}

Result<FilePtr> open_ptmx(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  VfsPath root = TRY(devpts_root_of(path));
  auto devpts = std::static_pointer_cast<DevptsFileSystem>(root.mount->file_system_ptr());
  PtyPtr pty = TRY(devpts->add_pty(task.kernel(), *task.credentials()));
  return FilePtr(std::make_shared<MasterFile>(path, flags, std::move(pty), std::move(devpts), std::move(root)));
}

// Device nodes with these numbers that lie elsewhere than in devpts lead nowhere.
Result<FilePtr> open_slave(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  const auto* node = dynamic_cast<PtyNode*>(path.dentry->inode_pointer());
  PtyPtr pty = node != nullptr ? node->pty() : nullptr;
  if (!pty) return Errno(EIO);
  FilePtr file = TRY(open_slave_file(pty, path, flags));
  if (!flags.has(O_NOCTTY) && flags.readable()) acquire_on_open(task, *pty);
  return file;
}

Result<FilePtr> open_controlling_terminal(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  const std::shared_ptr<Terminal> terminal = controlling_terminal(task);
  return terminal ? terminal->open(path, flags) : Result<FilePtr>(Errno(ENXIO));
}

Result<FilePtr> open_console(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  const std::shared_ptr<Terminal> terminal = container_terminal(task);
  return terminal ? terminal->open(path, flags) : Result<FilePtr>(Errno(ENODEV));
}

}  // namespace

void register_devpts(Kernel&, VfsServices& services) {
  services.file_systems.add("devpts", true, make_devpts);
  services.devices.add({false, kTtyAuxMajor, 0}, open_controlling_terminal);
  services.devices.add({false, kTtyAuxMajor, 1}, open_console);
  services.devices.add({false, kTtyAuxMajor, 2}, open_ptmx);
  services.devices.add_major(false, kSlaveMajor, open_slave);
}

}  // namespace runsc
