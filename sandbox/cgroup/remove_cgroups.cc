// The end of a container's cgroup.
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sandbox/cgroup/cgroup_directory.h"
#include "sandbox/cgroup/container_cgroup.h"
#include "sandbox/cgroup/systemd.h"

namespace runsc {
namespace {

// A process that has just been killed is counted until it is gone altogether.
constexpr int kTries = 200;
constexpr int kPauseMilliseconds = 10;

// Between reading the list and the signal the number may have become another process': so it is read again when the
// process is held.
void kill_if_inside(const CgroupDirectory& directory, pid_t pid) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process || pid == ::getpid()) return;
  const auto now = directory.processes();
  if (std::find(now.begin(), now.end(), pid) == now.end()) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

// Those in the cgroup itself: nothing of a sandbox goes below it. (cgroup.kill would reach further.)
void kill_leftovers(const CgroupDirectory& directory) {
  for (const pid_t pid : directory.processes()) kill_if_inside(directory, pid);
}

// Somebody may have made cgroups below ours. Those in use are not ours to end.
void remove_children(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    const std::string child = path + "/" + name;
    remove_children(child);
    ::rmdir(child.c_str());
  }
}

void remove_directory(const std::string& path, Leftovers leftovers) {
  for (int i = 0; i < kTries; ++i) {
    if (::rmdir(path.c_str()) == 0 || (errno != EBUSY && errno != ENOTEMPTY)) return;
    if (leftovers == Leftovers::kKill) {
      kill_leftovers(CgroupDirectory(path));
      remove_children(path);
    }
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
}

}  // namespace

void remove_cgroups(const std::vector<std::string>& entries, Leftovers leftovers) noexcept try {
  for (const std::string& entry : entries) {
    if (entry.rfind("unit:", 0) == 0) stop_systemd_unit(entry.substr(5), false);
    if (entry.rfind("user-unit:", 0) == 0) stop_systemd_unit(entry.substr(10), true);
  }
  for (const std::string& path : cgroup_directories_of(entries)) remove_directory(path, leftovers);
} catch (const std::exception&) {
  // Out of memory: the next command tries again.
}

}  // namespace runsc
