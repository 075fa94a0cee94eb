// Calls that only old programs make, or that find nothing here: ustat(2), sysfs(2), quotactl(2),
// name_to_handle_at(2); and vhangup(2).
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/terminal_control.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

// struct ustat.
struct FileSystemUsage {
  std::int32_t free_blocks = 0;
  std::int32_t padding = 0;
  std::uint64_t free_inodes = 0;
  char names[12] = {};
  std::int32_t padding_end = 0;
};
static_assert(sizeof(FileSystemUsage) == 32);

// Device numbers as ustat(2) takes them: new_decode_dev() of Linux.
std::uint64_t decoded(std::uint32_t device) {
  const unsigned major = (device & 0xfff00) >> 8;
  const unsigned minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return makedev(major, minor);
}

}  // namespace

Result<long> sys_ustat(CurrentTask& task, std::uint64_t device, UserAddress to) {
  const std::uint64_t wanted = decoded(static_cast<std::uint32_t>(device));
  const std::vector<MountPtr> mounts = task.fs().mounts()->list();
  const auto found =
      std::ranges::find_if(mounts, [&](const MountPtr& mount) { return mount->file_system().device() == wanted; });
  if (found == mounts.end()) return Errno(EINVAL);
  const struct statfs stats = TRY((*found)->file_system().statistics());
  FileSystemUsage usage;
  usage.free_blocks = static_cast<std::int32_t>(stats.f_bfree);
  usage.free_inodes = stats.f_ffree;
  TRY(task.write(UserOut<FileSystemUsage>{{to.value}}, usage));
  return 0;
}

Result<long> sys_sysfs(CurrentTask& task, int option, std::uint64_t one, std::uint64_t two) {
  constexpr std::size_t kPageSize = 4096;
  const std::vector<std::string> types = task.fs().mounts()->services().file_systems.types();
  switch (option) {
    case 1: {
      const std::string name = TRY(task.read_string(UserString{{one}}, kPageSize, Errno(ENAMETOOLONG)));
      const auto found = std::ranges::find(types, name);
      if (found == types.end()) return Errno(EINVAL);
      return found - types.begin();
    }
    case 2: {
      if (one >= types.size()) return Errno(EINVAL);
      const std::string& name = types[one];
      TRY(task.write_array(UserOut<char>{{two}}, std::span<const char>(name.c_str(), name.size() + 1)));
      return 0;
    }
    case 3:
      return static_cast<long>(types.size());
    default:
      return Errno(EINVAL);
  }
}

Result<long> sys_quotactl(CurrentTask& task, unsigned command, UserPath special, int, UserAddress) {
  constexpr unsigned kMostTypes = 3;  // MAXQUOTAS
  const unsigned operation = command >> SUBCMDSHIFT;
  if ((command & SUBCMDMASK) >= kMostTypes) return Errno(EINVAL);
  if (special.value == 0) return operation == (Q_SYNC & 0xffffff) ? Result<long>(0) : Result<long>(Errno(ENODEV));
  const std::string path = TRY(task.read_path(special));
  const VfsPath found = TRY(walk(task, TRY(walk_from(task, kAtCwd, path)), path));
  return Errno(S_ISBLK(found.dentry->inode()->type()) ? ENODEV : ENOTBLK);
}

Result<long> sys_name_to_handle_at(CurrentTask& task, Fd directory, UserPath path, UserAddress handle, UserOut<int>,
                                   int flags) {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  const WalkOptions options{(flags & AT_SYMLINK_FOLLOW) != 0, (flags & AT_EMPTY_PATH) != 0};
  TRY(walk(task, argument.from, argument.text, options));
  TRY(task.read(UserIn<unsigned>{{handle.value}}));  // the room for the handle
  return Errno(EOPNOTSUPP);
}

Result<long> sys_vhangup(CurrentTask& task) {
  if (!task.capable(CAP_SYS_TTY_CONFIG)) return Errno(EPERM);
  if (const std::shared_ptr<Terminal> terminal = controlling_terminal(task)) terminal->hang_up();
  return 0;
}

}  // namespace runsc
