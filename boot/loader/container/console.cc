#include "boot/loader/container/console.h"

#include "boot/fs/devpts/slave_file.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

WalkContext kernel_context(const MountNamespacePtr& mounts) {
  WalkContext context;
  context.root = context.cwd = mounts->root_path();
  context.credentials = root_credentials();
  context.services = &mounts->services();
  return context;
}

Result<VfsPath> find(const MountNamespacePtr& mounts, std::string_view path) {
  const WalkContext context = kernel_context(mounts);
  return walk(context, WalkFrom{context.root, 0}, path);
}

struct Devpts {
  std::shared_ptr<DevptsFileSystem> file_system;
  VfsPath root;
};

Devpts find_devpts(const MountNamespacePtr& mounts) {
  const Result<VfsPath> found = find(mounts, "/dev/pts");
  if (found.ok() && found->dentry == found->mount->root())
    if (auto devpts = std::dynamic_pointer_cast<DevptsFileSystem>(found->mount->file_system_ptr()))
      return {std::move(devpts), *found};
  auto devpts = DevptsFileSystem::create(DevptsOptions{});
  const DentryPtr root = Dentry::root_of(devpts);
  return {devpts, VfsPath{std::make_shared<Mount>(0, devpts, root, 0, "devpts"), root}};
}

Result<Console> show(Kernel& kernel, const Devpts& devpts, const PtyPtr& pty, UniqueFd host, Uid owner,
                     ConsoleLife life) {
  DentryPtr dentry = TRY(devpts.root.dentry->child(std::to_string(pty->index())));
  const VfsPath node{devpts.root.mount, std::move(dentry)};
  if (node.dentry->negative()) return Errno(ENOENT);
  AttributeChange change;
  change.uid = owner;
  TRY(node.dentry->inode()->set_attributes(change));
  pty->set_locked(false);
  Console console;
  console.terminal = pty;
  console.file = TRY(open_slave_file(pty, node, OpenFlags{O_RDWR}));
  console.shown = TRY(kernel.consoles->show(pty, devpts.file_system, std::move(host), life));
  return console;
}

}  // namespace

Result<Console> open_console(Kernel& kernel, const MountNamespacePtr& mounts, UniqueFd host, Uid owner,
                             ConsoleLife life) {
  const Devpts devpts = find_devpts(mounts);
  const PtyPtr pty = TRY(devpts.file_system->add_pty(kernel, *root_credentials()));
  Result<Console> console = show(kernel, devpts, pty, std::move(host), owner, life);
  if (!console.ok()) devpts.file_system->remove_pty(pty->index());
  return console;
}

Result<void> mount_console(const MountNamespacePtr& mounts, const Console& console) {
  const VfsPath place = TRY(find(mounts, "/dev/console"));
  TRY(mounts->bind(console.file->path(), place, 0, false));
  return {};
}

}  // namespace runsc
