#include "boot/fs/proc/process_directory.h"

#include <array>

#include "boot/fs/proc/descriptor_directory.h"
#include "boot/fs/proc/namespace_directory.h"
#include "boot/fs/proc/net_directory.h"
#include "boot/fs/proc/process_links.h"
#include "boot/fs/proc/process_memory_file.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/proc/task_directory.h"

namespace runsc {
namespace {

enum class Where { kBoth, kProcess, kThread };

struct Entry {
  std::string_view name;
  std::uint32_t mode;
  // Text files; `guarded`: only for who may look into the process.
  ProcessTextFile::Show show = nullptr;
  ProcessTextFile::Store store = nullptr;
  bool guarded = false;
  // Others.
  InodePtr (*make)(ProcFileSystem&, const ProcessRef&) = nullptr;
  Where where = Where::kBoth;
};

constexpr Entry text(std::string_view name, ProcessTextFile::Show show, Where where = Where::kBoth) {
  return {.name = name, .mode = S_IFREG | 0444, .show = show, .where = where};
}
constexpr Entry writable(std::string_view name, ProcessTextFile::Show show, ProcessTextFile::Store store,
                         Where where = Where::kBoth) {
  return {.name = name, .mode = S_IFREG | 0644, .show = show, .store = store, .where = where};
}
constexpr Entry guarded(std::string_view name, std::uint32_t permissions, ProcessTextFile::Show show) {
  return {.name = name, .mode = S_IFREG | permissions, .show = show, .guarded = true};
}
constexpr Entry made(std::string_view name, std::uint32_t mode, InodePtr (*make)(ProcFileSystem&, const ProcessRef&),
                     Where where = Where::kBoth) {
  return {.name = name, .mode = mode, .make = make, .where = where};
}

// By name.
constexpr std::array kEntries = {
    guarded("auxv", 0400, show_auxv),
    text("cgroup", show_cgroup),
    text("children", show_children, Where::kThread),
    text("cmdline", show_cmdline),
    writable("comm", show_comm, store_comm),
    text("coredump_filter", show_coredump_filter),
    text("cpuset", show_cpuset),
    made("cwd", S_IFLNK, make_cwd_link),
    guarded("environ", 0400, show_environ),
    made("exe", S_IFLNK, make_exe_link),
    made("fd", S_IFDIR, make_fd_directory),
    made("fdinfo", S_IFDIR, make_fdinfo_directory),
    writable("gid_map", show_gid_map, store_gid_map),
    guarded("io", 0400, show_io),
    text("limits", show_limits),
    text("loginuid", show_loginuid),
    guarded("maps", 0444, show_maps),
    made("mem", S_IFREG, make_mem_file),
    text("mountinfo", show_mountinfo),
    text("mounts", show_mounts),
    guarded("mountstats", 0400, show_mountstats),
    made("net", S_IFDIR, make_net_directory),
    made("ns", S_IFDIR, make_ns_directory),
    writable("oom_adj", show_oom_adj, store_oom_adj),
    text("oom_score", show_oom_score),
    writable("oom_score_adj", show_oom_score_adj, store_oom_score_adj),
    guarded("personality", 0400, show_personality),
    text("projid_map", show_projid_map),
    made("root", S_IFLNK, make_root_link),
    text("sched", show_sched),
    text("schedstat", show_schedstat),
    text("sessionid", show_sessionid),
    writable("setgroups", show_setgroups, store_setgroups),
    guarded("smaps", 0444, show_smaps),
    guarded("smaps_rollup", 0444, show_smaps_rollup),
    text("stat", show_stat),
    text("statm", show_statm),
    text("status", show_status),
    guarded("syscall", 0400, show_syscall),
    made("task", S_IFDIR, make_task_directory, Where::kProcess),
    writable("timerslack_ns", show_timerslack, store_timerslack, Where::kProcess),
    writable("uid_map", show_uid_map, store_uid_map),
    text("wchan", show_wchan),
};

bool shown(const Entry& entry, bool in_task) {
  return entry.where == Where::kBoth || (entry.where == Where::kThread) == in_task;
}

}  // namespace

Result<InodePtr> ProcessDirectory::lookup(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name != name || !shown(entry, in_task_)) continue;
    if (entry.make != nullptr) return entry.make(proc(), ref());
    return InodePtr(
        std::make_shared<ProcessTextFile>(proc(), ref(), entry.mode, entry.guarded, entry.show, entry.store));
  }
  return Errno(ENOENT);
}

std::vector<PseudoEntry> ProcessDirectory::list() {
  std::vector<PseudoEntry> entries;
  if (!ref().task().ok()) return entries;
  for (const Entry& entry : kEntries)
    if (shown(entry, in_task_))
      entries.push_back({std::string(entry.name), static_cast<std::uint8_t>((entry.mode & S_IFMT) >> 12)});
  return entries;
}

bool still_valid(std::string_view name, const InodePtr& child) {
  if (!child) return false;
  const auto* directory = dynamic_cast<const ProcessDirectory*>(child.get());
  return directory == nullptr || directory->is_still(Pid{std::max(0, number_of(name))});
}

}  // namespace runsc
