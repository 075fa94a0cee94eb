// Container: one container of the sandbox, from the moment its first process is loaded until it is destroyed.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/containers/container_environment.h"
#include "boot/containers/exit_notice.h"
#include "boot/kernel/kernel.h"
#include "boot/loader/container/process.h"
#include "boot/loader/container_config.h"
#include "control/types.h"

namespace runsc {

// What a container is made of, beside its configuration. The descriptors are taken out.
struct ContainerFiles {
  ProcessFiles process;
  std::vector<UniqueFd> gofer_connections;
  std::vector<UniqueFd> overlay_stores;
};

// Namespaces of other containers that it joins; null: it gets its own.
struct JoinedNamespaces {
  PidNamespacePtr pid;
  UtsNamespacePtr uts;
  std::shared_ptr<IpcNamespace> ipc;
};

// Which step of its making failed, in a word, and why.
struct CreateFailure {
  const char* stage = "";
  StartFailure reason;
};

// Thread-safe. Its life: created -> starting (its hooks run) -> running -> ending (its first process has ended, the
// others are being killed) -> stopped. A failure of the start leads from starting to stopped.
class Container : public std::enable_shared_from_this<Container> {
 public:
  // Mounts everything and loads the first process. Null and `failure`: nothing is left behind.
  static std::shared_ptr<Container> create(ContainerEnvironment& environment, ContainerConfig config,
                                           ContainerFiles files, const JoinedNamespaces& joined,
                                           CreateFailure& failure);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string& id() const { return config_.id; }
  const ContainerConfig& config() const { return config_; }
  JoinedNamespaces namespaces() const;

  // Runs the hooks inside, then the first process.
  control::Outcome<void> start();
  control::Outcome<int> exec(control::ExecRequest request);

  ControlSubscriptionPtr wait(ExitNotice::Callback done) { return init_notice_->subscribe(std::move(done)); }
  ControlSubscriptionPtr wait_process(int pid, ExitNotice::Callback done);
  control::Outcome<void> signal(control::SignalTarget target, int number);
  control::Outcome<void> pause();
  control::Outcome<void> resume();
  control::Outcome<void> resize(int pid, ConsoleSize size);
  control::Outcome<void> update(const control::Limits& limits);
  // The host processes there are, as this pid namespace numbers them; all others will be forked from them. For a
  // container that has not been started.
  std::vector<int> host_processes() const;

  std::vector<control::ProcessInfo> processes() const;
  control::Stats stats() const;
  control::ContainerInfo info() const;

  // Kills everything, waits until it is gone, unmounts. A gofer that does not answer is given up on: what waits for it
  // fails. kInternal: something does not end in spite of all that; it may be tried again.
  control::Outcome<void> destroy();
  // Its files are gone: every process is killed.
  void gofer_died();

 private:
  enum class Phase { kCreated, kStarting, kRunning, kEnding, kStopped };
  struct State {
    Phase phase = Phase::kCreated;
    bool paused = false;
    bool destroying = false;
    std::uint64_t memory_peak = 0;              // as far as stats() has looked
    std::unique_ptr<CurrentTask> first;         // kCreated
    std::map<int, ExitNoticePtr> exec_notices;  // by pid; until somebody has been told
    std::map<int, HostConsolePtr> consoles;     // by pid, of processes that were given a terminal
  };
  using StateLock = Guarded<State, LockLevel::kController>;

  Container(ContainerEnvironment& environment, ContainerConfig config);
  std::optional<CreateFailure> prepare(ContainerFiles files, const JoinedNamespaces& joined);
  Result<void> find_birthplace(ProcessPlace& place);
  void show_limits(const control::Limits& limits);
  Result<void> watch_gofers(const std::vector<UniqueFd>& connections);
  // The first process of a container that is not to be started any more; null: it was.
  std::unique_ptr<CurrentTask> take_unstarted();
  // The container ends before its first process has run.
  void abandon(std::unique_ptr<CurrentTask> first, control::Outcome<int> result);
  void init_ended(int status);
  void forget_if_told(int pid, const ExitNotice& notice);
  // Whether exec may add a process.
  control::Outcome<void> accepts_processes(bool ignore_paused) const;
  void stopped(control::Outcome<int> result);
  control::Outcome<void> end_unstarted(int number);
  void kill_all();
  void drain_console(int pid);
  bool is_first() const { return id() == environment_.first_id; }
  // However long it takes.
  void wait_until_empty();
  bool wait_until_stopped(int seconds);
  void shut_gofers_down();
  // `reason`, unless it is but the consequence of a gofer's death: a call to that fails with EIO or worse.
  StartFailure cause_of(StartFailure reason) const;
  ProcessPlace place() const;
  // Of this container; `pid` 0: the first one. Null: there is none.
  ThreadGroup* find_process(TaskTree& tree, int pid) const;
  // The terminal that controls it, or null.
  std::shared_ptr<Terminal> terminal_of(TaskTree& tree, int pid) const;

  ContainerEnvironment& environment_;
  Kernel& kernel_;
  const ContainerConfig config_;
  const std::shared_ptr<ControlGroup> control_group_;
  const ExitNoticePtr init_notice_;
  ThreadGroupPtr init_;                            // set by create()
  std::vector<UniqueFd> gofers_;                   // copies of the connections, for GoferWatch and shutdown(2)
  Guarded<ProcessPlace, LockLevel::kLeaf> place_;  // without mounts once it is destroyed
  StateLock state_;
  mutable std::condition_variable_any changed_;  // the phase
};
using ContainerPtr = std::shared_ptr<Container>;

// control::Failure with the code that fits.
control::Failure to_failure(const StartFailure& reason);

}  // namespace runsc
