#include "boot/fs/proc/process_mounts.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "boot/fs/proc/escape.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fs_context.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

struct FlagName {
  unsigned long flag;
  const char* name;
};
constexpr FlagName kNames[] = {{MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
                               {MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
                               {MS_NODIRATIME, ",nodiratime"}, {256 /* MS_NOSYMFOLLOW */, ",nosymfollow"}};

// The place of the mount's root in its own file system.
std::string root_in_file_system(const Mount& mount) {
  std::string text;
  for (DentryPtr at = mount.root(); at->parent(); at = at->parent()) text.insert(0, "/" + at->name());
  return text.empty() ? "/" : text;
}

struct ShownMount {
  MountPtr mount;
  std::string point;  // as the process sees it
};

// The mounts that the process can reach, parents first.
std::vector<ShownMount> shown_mounts(const ProcessView& view) {
  std::vector<ShownMount> shown;
  const auto fs = view.task->fs();
  if (!fs) return shown;
  const FsContext::State state = fs->snapshot();
  for (MountPtr& mount : state.mounts->list()) {
    std::string point = show_path({mount, mount->root()}, state.root).text;
    if (!point.starts_with("(unreachable)")) shown.push_back({std::move(mount), escape_mount(point)});
  }
  return shown;
}

std::string source_text(const Mount& mount) {
  return mount.source().empty() ? "none" : escape_octal(mount.source(), " \t\n\\#");
}

std::string super_options(const Mount& mount) {
  const std::string own = mount.file_system().show_options();
  return own.empty() ? own : "," + own;
}

}  // namespace

std::string mount_options(unsigned long flags) {
  std::string out = (flags & MS_RDONLY) != 0 ? "ro" : "rw";
  for (const FlagName& each : kNames)
    if ((flags & each.flag) != 0) out += each.name;
  if ((flags & (MS_NOATIME | MS_STRICTATIME)) == 0) out += ",relatime";
  return out;
}

Result<std::string> show_mounts(const ProcessView& view) {
  std::string out;
  for (const auto& [mount, point] : shown_mounts(view))
    append_format(out, "%s %s %s %s%s 0 0\n", source_text(*mount).c_str(), point.c_str(),
                  std::string(mount->file_system().type_name()).c_str(), mount_options(mount->flags()).c_str(),
                  super_options(*mount).c_str());
  return out;
}

Result<std::string> show_mountinfo(const ProcessView& view) {
  std::string out;
  for (const auto& [mount, point] : shown_mounts(view)) {
    const VfsPath place = mount->mount_point();
    const std::uint64_t device = mount->file_system().device();
    append_format(out, "%d %d %u:%u %s %s %s - %s %s rw%s\n", mount->id(), place ? place.mount->id() : mount->id(),
                  major(device), minor(device), escape_mount(root_in_file_system(*mount)).c_str(), point.c_str(),
                  mount_options(mount->flags()).c_str(), std::string(mount->file_system().type_name()).c_str(),
                  source_text(*mount).c_str(), super_options(*mount).c_str());
  }
  return out;
}

Result<std::string> show_mountstats(const ProcessView& view) {
  std::string out;
  for (const auto& [mount, point] : shown_mounts(view))
    append_format(out, "device %s mounted on %s with fstype %s\n", source_text(*mount).c_str(), point.c_str(),
                  std::string(mount->file_system().type_name()).c_str());
  return out;
}

}  // namespace runsc
