// Starts a process in namespaces of its own, takes it through a list of named steps, and executes this program again
// in it as `runsc boot` or `runsc gofer`.
//
// The steps run in the child, before the execution: what runs afterwards has never had more rights than it needs.
// Called by single-threaded programs only: the child is a plain fork and allocates memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/loader/container_config.h"
#include "sandbox/cgroup/cgroup_doors.h"
#include "sandbox/donation.h"
#include "sandbox/reports.h"

namespace runsc {

// One step of a process's containment. `run` throws UserError; it may add descriptors that it opens to the donation.
struct Step {
  const char* name;    // "pivot root": the stage in error messages
  const char* reason;  // why it is there, and why at this place
  std::function<void(Donation& donation)> run;
};

// Ranges for /proc/<pid>/uid_map and gid_map.
struct IdMaps {
  std::vector<IdMapping> uids;
  std::vector<IdMapping> gids;
  // An unprivileged parent must give up setgroups(2) in the child before it may map groups.
  bool deny_setgroups = false;
};

struct SpawnRequest {
  std::string name;              // "boot": the first argument of the new program, and its name in messages
  std::uint64_t namespaces = 0;  // CLONE_NEW*
  int network_namespace = -1;    // borrowed; the child is born in it. -1: the parent's, or CLONE_NEWNET's
  // Borrowed: the cgroups to be in. The child goes there at once, before it waits for go(). Null: the parent's.
  const CgroupDoors* cgroups = nullptr;
  // Done by the parent while it is in that namespace, with rights that the child will not have. May be empty.
  std::function<void()> prepare_network;
  IdMaps id_maps;  // only with CLONE_NEWUSER
  std::vector<Step> steps;
  Donation donation;                   // "report" is added by spawn()
  std::vector<std::string> arguments;  // after the name and the descriptors
  bool die_with_parent = false;        // SIGKILL when the thread that called spawn() ends
};

// How long a process whose end has been announced may take to end.
inline constexpr int kGraceMilliseconds = 2000;

// A process that has been started. Kills and reaps it when destroyed, unless released.
class SpawnedProcess {
 public:
  SpawnedProcess() = default;
  SpawnedProcess(SpawnedProcess&&) noexcept;
  SpawnedProcess& operator=(SpawnedProcess&&) noexcept;
  ~SpawnedProcess();

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  int report_fd() const { return report_.get(); }

  // Waits until the child is in its cgroups. Throws UserError when it has ended instead.
  void wait_until_placed();
  // Lets the child begin with its steps. Until then it waits; if this object or the parent goes away it ends. Throws
  // UserError when it has ended already.
  void go();
  // The step that the child has reached ("start" before the first, "run" after the last).
  std::string stage() const;

  void kill() noexcept;
  bool exited(int milliseconds = 0) const;  // within that time
  // Waits for the end and reaps; the status is that of waitpid(2). Again: the same status.
  int wait();
  // Kills it unless it has ended, and says for a person how it failed: what it has reported, or how it ended.
  std::string failure(const std::optional<Report>& report);
  // The process goes on without us: it is told so (boot/startup_report.h).
  void release() noexcept;

 private:
  friend SpawnedProcess spawn(const SpawnRequest& request);
  struct Progress;
  // Its own words, or how it ended.
  [[noreturn]] void throw_early_end();

  std::string name_;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd report_;
  UniqueFd gate_;
  Progress* progress_ = nullptr;  // shared with the child
  std::vector<const char*> step_names_;
  bool reaped_ = false;
  int status_ = 0;
};

// Forks the child and maps its ids. Throws UserError. The child has its own copy of `request`.
SpawnedProcess spawn(const SpawnRequest& request);

// For a child before it executes a program: signal handlers and the mask are the parent's business, and the new program
// starts with none. `broken_pipe` is SIG_DFL or SIG_IGN, for SIGPIPE.
void reset_signals(void (*broken_pipe)(int));

// "killed by signal 9 (SIGKILL)", "exited with status 1".
std::string describe_status(int status);

}  // namespace runsc
