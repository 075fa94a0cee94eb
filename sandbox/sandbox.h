// A sandbox from the outside: the gofer and boot processes of a container, started and watched.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/spec.h"
#include "sandbox/container_store.h"
#include "sandbox/options.h"
#include "sandbox/plan.h"
#include "sandbox/reports.h"
#include "sandbox/spawn.h"

namespace runsc {

struct SandboxRequest {
  std::string id;
  std::string bundle;                 // absolute
  oci::Spec spec;                     // has passed check_bundle()
  std::array<int, 3> stdio{0, 1, 2};  // borrowed
  std::vector<int> preserved_fds;     // borrowed; the first process's descriptors 3, 4, ..
  bool detach = false;                // the sandbox outlives this process
  bool keep = false;                  // the container outlives its end in the foreground
  bool hold = false;                  // the container waits for open_start_gate(); only with `detach`
};

// The processes of a sandbox that this process has started, as long as it looks after them. The destructor kills what
// has not been released.
class Sandbox {
 public:
  // Starts both processes and returns when the container's first process is about to run, or waits at its gate: the
  // state is "running" or "created" then. The caller holds the
  // container's lock; its directory exists, and holds a state file from the moment at which processes exist.
  // Throws UserError with the cause when either process fails; nothing of the sandbox is left then but the directory.
  static Sandbox start(const SandboxRequest& request, const RuntimeOptions& options, const ContainerStore& store);

  Sandbox(Sandbox&&) = default;

  const ContainerState& state() const { return state_; }
  int boot_pidfd() const { return boot_.pidfd(); }
  int gofer_pidfd() const { return gofer_.pidfd(); }
  bool boot_exited() const { return boot_.exited(); }
  bool gofer_exited() const { return gofer_.exited(); }

  // Ends the sandbox at once.
  void kill();

  // Waits until the boot process has ended and ends the gofer. Returns the container's exit status. Throws UserError
  // when the sandbox failed rather than the container ended.
  int finish();

  // Both processes go on without us.
  void release();

 private:
  Sandbox(SpawnedProcess gofer, SpawnedProcess boot, ContainerState state);
  void wait_until_started();
  // The error of a sandbox that is coming to its end, from what its processes said and how they ended. Kills both.
  UserError failure(const std::optional<Report>& boot_report);

  SpawnedProcess gofer_;
  SpawnedProcess boot_;
  ReportReader gofer_reports_;
  ReportReader boot_reports_;
  ContainerState state_;
};

}  // namespace runsc
