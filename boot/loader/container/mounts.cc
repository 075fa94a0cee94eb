#include "boot/loader/container/mounts.h"

#include <sys/mount.h>

#include <algorithm>
#include <string>

#include "boot/base/log.h"
#include "boot/fs/gofer/attach.h"
#include "boot/fs/overlay/overlay_file_system.h"
#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/loader/container/copy_tree.h"
#include "boot/loader/container/dev_directory.h"
#include "boot/memory/memory_file.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

// Mounts happen as the kernel, before any task exists.
WalkContext kernel_context(MountNamespace& mounts) {
  WalkContext context;
  context.root = context.cwd = mounts.root_path();
  context.credentials = root_credentials();
  context.umask = 0;
  context.services = &mounts.services();
  return context;
}

Result<UniqueFd> take(std::vector<UniqueFd>& descriptors, int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= descriptors.size()) return Errno(EBADF);
  UniqueFd taken = std::move(descriptors[static_cast<std::size_t>(index)]);
  if (!taken.valid()) return Errno(EBADF);
  return taken;
}

// Changes go to memory, or to a file that the front end has made for them.
Result<FileSystemPtr> add_overlay(const ContainerMount& mount, MountSources& sources, FileSystemPtr lower) {
  std::shared_ptr<MemoryFile> store;
  if (mount.overlay == OverlayKind::kMemory) {
    store = TRY(MemoryFile::create());
  } else {
    store = TRY(MemoryFile::over(TRY(take(sources.overlay_stores, mount.overlay_store))));
  }
  FileSystemPtr upper = TmpfsFileSystem::create(std::move(store), TmpfsOptions{});
  return FileSystemPtr(OverlayFileSystem::create(std::move(lower), std::move(upper)));
}

Result<FileSystemPtr> open_gofer_mount(const ContainerMount& mount, MountSources& sources) {
  UniqueFd socket = TRY(take(sources.gofer_connections, mount.connection));
  const GoferCaching caching =
      mount.file_access == FileAccess::kExclusive ? GoferCaching::kExclusive : GoferCaching::kShared;
  FileSystemPtr files = TRY(attach_gofer(std::move(socket), caching, sources.services->inode_twins));
  if (mount.overlay == OverlayKind::kNone) return files;
  return add_overlay(mount, sources, std::move(files));
}

const char* type_name(MountType type) {
  switch (type) {
    case MountType::kGofer:
      return "gofer";
    case MountType::kTmpfs:
    case MountType::kDev:
      return "tmpfs";
    case MountType::kProc:
      return "proc";
    case MountType::kSysfs:
      return "sysfs";
    case MountType::kDevpts:
      return "devpts";
    case MountType::kMqueue:
      return "mqueue";
    case MountType::kCgroup:
      return "cgroup";
    case MountType::kCgroup2:
      return "cgroup2";
  }
  return "unknown";
}

// An option that mount(2) does not know: a tmpfs begins with what lies below it.
constexpr const char kCopyUp[] = "tmpcopyup";

bool copies_up(const ContainerMount& mount) {
  return mount.type == MountType::kTmpfs &&
         std::find(mount.data.begin(), mount.data.end(), kCopyUp) != mount.data.end();
}

std::string join(const std::vector<std::string>& options) {
  std::string joined;
  for (const std::string& option : options)
    if (option != kCopyUp) joined += (joined.empty() ? "" : ",") + option;
  return joined;
}

Result<FileSystemPtr> make_file_system(const ContainerMount& mount, MountSources& sources) {
  if (mount.type == MountType::kGofer) return open_gofer_mount(mount, sources);
  return sources.services->file_systems.make(
      nullptr, type_name(mount.type),
      {mount.source, join(mount.data), mount.flags, sources.pid_namespace, sources.control_group, sources.ipc});
}

// The mount point, made if it is missing: a directory, or an empty file for the bind mount of a file.
Result<VfsPath> mount_point(const WalkContext& context, const std::string& destination, bool is_directory) {
  const WalkFrom root{context.root, 0};
  Result<VfsPath> found = walk(context, root, destination);
  if (found.ok() || found.error() != Errno(ENOENT)) return found;
  for (std::size_t slash = destination.find('/', 1); slash != std::string::npos;
       slash = destination.find('/', slash + 1)) {
    const Result<void> made = make_directory(context, root, destination.substr(0, slash), 0755);
    if (!made.ok() && made.error() != Errno(EEXIST)) return made.error();
  }
  if (is_directory) {
    TRY(make_directory(context, root, destination, 0755));
  } else {
    TRY(make_node(context, root, destination, S_IFREG | 0644, 0));
  }
  return walk(context, root, destination);
}

// Before the root becomes read-only: what /dev/console is mounted on (console.h), where /dev is the image's own.
Result<void> make_console_mount_point(MountNamespace& mounts) {
  TRY(mount_point(kernel_context(mounts), "/dev/console", false));
  return {};
}

bool shows_directory(FileSystem& file_system) { return S_ISDIR(file_system.root()->type()); }

// What is below /dev is of fill_dev(), and no directory of the image.
bool covers_image(const WalkContext& context, const ContainerMount& mount) {
  return mount.type == MountType::kTmpfs && !mount.destination.starts_with("/dev/") &&
         walk(context, {context.root, 0}, mount.destination).ok();
}

// As runc does: a tmpfs has the permissions of the directory that it covers, whatever "mode=" says.
Result<void> take_over(const WalkContext& context, const ContainerMount& mount, const VfsPath& covered,
                       const MountPtr& made) {
  const VfsPath root{made, made->root()};
  TRY(change_mode(context, root, TRY(covered.dentry->inode()->attributes()).mode & 07777));
  return copies_up(mount) ? copy_tree(context, covered, root) : Result<void>();
}

Result<void> mount_one(MountNamespace& mounts, const ContainerMount& mount, MountSources& sources, bool terminal) {
  const WalkContext context = kernel_context(mounts);
  FileSystemPtr file_system = TRY(make_file_system(mount, sources));
  const bool covers = covers_image(context, mount);
  const VfsPath where = TRY(mount_point(context, mount.destination, shows_directory(*file_system)));
  const MountPtr made = TRY(mounts.mount(where, std::move(file_system), mount.flags & ~MS_RDONLY, mount.source));
  if (mount.type == MountType::kDev) TRY(fill_dev(context, mount.destination, terminal));
  if (covers) TRY(take_over(context, mount, where, made));
  made->set_flags(mount.flags);
  return {};
}

// Hides a path under an empty read-only directory, or under /dev/null. Missing ones need no hiding.
Result<void> mask(MountNamespace& mounts, const std::string& path) {
  const WalkContext context = kernel_context(mounts);
  const WalkFrom root{context.root, 0};
  const Result<VfsPath> found = walk(context, root, path);
  if (!found.ok()) return found.error() == Errno(ENOENT) ? Result<void>() : Result<void>(found.error());
  if (S_ISDIR(found->dentry->inode()->type())) {
    FileSystemPtr empty = TRY(mounts.services().file_systems.make(
        nullptr, "tmpfs", {.source = "tmpfs", .options = "size=0", .flags = MS_RDONLY}));
    TRY(mounts.mount(*found, std::move(empty), MS_RDONLY, "tmpfs"));
    return {};
  }
  const VfsPath null = TRY(walk(context, root, "/dev/null"));
  TRY(mounts.bind(null, *found, 0, false));
  return {};
}

Result<void> make_read_only(MountNamespace& mounts, const std::string& path) {
  const WalkContext context = kernel_context(mounts);
  const Result<VfsPath> found = walk(context, WalkFrom{context.root, 0}, path);
  if (!found.ok()) return found.error() == Errno(ENOENT) ? Result<void>() : Result<void>(found.error());
  const MountPtr bound = TRY(mounts.bind(*found, *found, 0, true));
  bound->set_flags(bound->flags() | MS_RDONLY);
  return {};
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

StartStatus hide_paths(const ContainerConfig& config, MountNamespace& mounts) {
  for (const std::string& path : config.readonly_paths) {
    const Result<void> done = make_read_only(mounts, path);
    if (!done.ok()) return start_failure("linux.readonlyPaths: " + quoted(path), done.error());
  }
  for (const std::string& path : config.masked_paths) {
    const Result<void> done = mask(mounts, path);
    if (!done.ok()) return start_failure("linux.maskedPaths: " + quoted(path), done.error());
  }
  return std::nullopt;
}

}  // namespace

MountNamespacePtr mount_container(const ContainerConfig& config, MountSources sources, StartStatus& failure) {
  if (config.mounts.empty() || config.mounts.front().destination != "/") {
    failure = StartFailure{"the configuration has no root file system"};
    return nullptr;
  }
  const ContainerMount& root = config.mounts.front();
  Result<FileSystemPtr> root_files = make_file_system(root, sources);
  if (!root_files.ok()) {
    failure = start_failure("root file system", root_files.error());
    return nullptr;
  }
  // Writable until all mount points exist.
  auto mounts =
      std::make_shared<MountNamespace>(*std::move(root_files), root.flags & ~MS_RDONLY, root.source, sources.services);
  for (std::size_t i = 1; i < config.mounts.size(); ++i) {
    const ContainerMount& mount = config.mounts[i];
    const Result<void> done = mount_one(*mounts, mount, sources, config.terminal);
    if (done.ok()) continue;
    failure = start_failure("mount " + quoted(mount.destination) + " (" + type_name(mount.type) + ")", done.error());
    return nullptr;
  }
  for (const ContainerDevice& device : config.devices) {
    const Result<void> made = make_device(kernel_context(*mounts), device);
    if (made.ok()) continue;
    failure = start_failure("linux.devices: " + quoted(device.path), made.error());
    return nullptr;
  }
  if (config.terminal) {
    const Result<void> made = make_console_mount_point(*mounts);
    if (!made.ok()) {
      failure = start_failure("create /dev/console", made.error());
      return nullptr;
    }
  }
  // As runc does. Where it cannot be made, the start of the first process says that it is missing.
  if (!mount_point(kernel_context(*mounts), config.cwd, true).ok()) LOG(WARNING) << "cannot make the working directory";
  failure = hide_paths(config, *mounts);
  if (failure) return nullptr;
  mounts->root()->set_flags(root.flags);
  return mounts;
}

}  // namespace runsc
