// What is asked of a container while it runs.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>

#include "boot/containers/container.h"
#include "boot/containers/process_list.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/resident.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/terminal.h"

namespace runsc {

using control::Failure;
using control::FailureCode;
using control::Outcome;

namespace {

Failure no_process(int pid) {
  return {FailureCode::kNoProcess, "no such process in the container: " + std::to_string(pid)};
}

Failure finished() { return {FailureCode::kFinished, "process already finished"}; }

Outcome<void> sent(Result<void> result) {
  if (result.ok()) return {};
  return Failure{FailureCode::kLimit, std::string("cannot send the signal: ") + errno_name(result.error())};
}

}  // namespace

ThreadGroup* Container::find_process(TaskTree& tree, int pid) const {
  if (pid == 0) return init_.get();
  const PidNamespacePtr numbers = place().pid_namespace;
  Task* const task = numbers ? numbers->find(tree, Pid{pid}) : nullptr;
  if (task == nullptr || task->group()->control_group() != control_group_) return nullptr;
  return task->group()->links(tree).leader == task ? task->group().get() : nullptr;
}

std::shared_ptr<Terminal> Container::terminal_of(TaskTree& tree, int pid) const {
  ThreadGroup* const process = find_process(tree, pid);
  const auto group = process != nullptr ? process->links(tree).group : nullptr;
  return group ? group->session->terminal : nullptr;
}

// The first process exists, but is no program yet that could have a handler.
Outcome<void> Container::end_unstarted(int number) {
  if (number > SIGRTMAX || default_action(number) != DefaultAction::kTerminate) return {};
  if (auto first = take_unstarted()) abandon(std::move(first), number);
  return {};
}

Outcome<void> Container::signal(control::SignalTarget target, int number) {
  using Kind = control::SignalTarget::Kind;
  if (number < 1 || number > kSignalCount)
    return Failure{FailureCode::kInvalid, "no such signal: " + std::to_string(number)};
  const Phase phase = state_.lock()->phase;
  if (phase == Phase::kCreated && target.kind != Kind::kProcess) return end_unstarted(number);
  auto tree = kernel_.tasks().lock();
  switch (target.kind) {
    case Kind::kInit:
      if (phase == Phase::kStopped || init_->ended()) return finished();
      return sent(send_signal_to_group(*tree, *init_, kernel_signal(number)));
    case Kind::kProcess: {
      ThreadGroup* const process = find_process(*tree, target.pid);
      if (process == nullptr) return no_process(target.pid);
      return sent(send_signal_to_group(*tree, *process, kernel_signal(number)));
    }
    case Kind::kAll:
      // A copy: what ends at once leaves the list.
      for (ThreadGroup* member : std::vector<ThreadGroup*>(control_group_->members(*tree)))
        (void)send_signal_to_group(*tree, *member, kernel_signal(number));
      return {};
    case Kind::kForeground: {
      if (find_process(*tree, target.pid) == nullptr) return no_process(target.pid);
      const auto terminal = terminal_of(*tree, target.pid);
      if (!terminal) return Failure{FailureCode::kInvalid, "the process has no terminal"};
      if (const auto foreground = terminal->foreground(*tree))
        send_signal_to_process_group(*tree, *foreground, kernel_signal(number));
      return {};
    }
  }
  return Failure{FailureCode::kInvalid, "no such kind of target"};
}

Outcome<void> Container::pause() {
  {
    auto state = state_.lock();
    if (state->phase != Phase::kRunning) return Failure{FailureCode::kNotRunning, "container not running"};
    state->paused = true;
    auto tree = kernel_.tasks().lock();
    control_group_->freeze(*tree);
  }
  // Soon: each stops at its next instruction, or at the end of its system call. Nobody tells when a task falls asleep.
  constexpr int kTries = 10'000;
  for (int i = 0; i < kTries; ++i) {
    {
      auto tree = kernel_.tasks().lock();
      if (!control_group_->frozen(*tree) || control_group_->at_rest(*tree)) return {};
    }
    const timespec millisecond{0, 1'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &millisecond, nullptr);
  }
  (void)resume();
  return Failure{FailureCode::kInternal, "container " + id() + ": a process does not stop"};
}

Outcome<void> Container::resume() {
  auto state = state_.lock();
  if (state->phase != Phase::kRunning || !state->paused)
    return Failure{FailureCode::kNotRunning, "container not paused"};
  state->paused = false;
  auto tree = kernel_.tasks().lock();
  control_group_->thaw(*tree);
  return {};
}

Outcome<void> Container::resize(int pid, ConsoleSize) {
  HostConsolePtr console;
  {
    auto state = state_.lock();
    const auto it = state->consoles.find(pid != 0 ? pid : raw(init_->pid()));
    if (it != state->consoles.end()) console = it->second;
  }
  if (console) {
    console->copy_window_size();
    return {};
  }
  auto tree = kernel_.tasks().lock();
  if (find_process(*tree, pid) == nullptr) return no_process(pid);
  const auto terminal = terminal_of(*tree, pid);
  if (!terminal) return Failure{FailureCode::kInvalid, "the process has no terminal"};
  if (const auto foreground = terminal->foreground(*tree))
    send_signal_to_process_group(*tree, *foreground, kernel_signal(SIGWINCH));
  return {};
}

void Container::show_limits(const control::Limits& limits) {
  ControlGroup::ShownLimits& shown = control_group_->shown_limits;
  if (limits.cpu_quota) shown.cpu_quota = *limits.cpu_quota > 0 ? *limits.cpu_quota : -1;
  if (limits.cpu_period && *limits.cpu_period > 0) shown.cpu_period = *limits.cpu_period;
  if (limits.cpu_shares && *limits.cpu_shares > 0) shown.cpu_shares = *limits.cpu_shares;
  if (limits.memory_swap) shown.memory_swap = *limits.memory_swap > 0 ? *limits.memory_swap : -1;
  if (limits.memory_reservation)
    shown.memory_reservation = *limits.memory_reservation > 0 ? *limits.memory_reservation : -1;
}

Outcome<void> Container::update(const control::Limits& limits) {
  show_limits(limits);
  if (limits.memory) control_group_->shown_memory = *limits.memory > 0 ? static_cast<std::uint64_t>(*limits.memory) : 0;
  if (limits.pids) {
    auto tree = kernel_.tasks().lock();
    control_group_->set_max_tasks(*tree,
                                  *limits.pids > 0 ? static_cast<std::size_t>(*limits.pids) : ControlGroup::kNoLimit);
  }
  return {};
}

ControlSubscriptionPtr Container::wait_process(int pid, ExitNotice::Callback done) {
  ExitNoticePtr notice;
  {
    auto state = state_.lock();
    const auto it = state->exec_notices.find(pid);
    if (it != state->exec_notices.end()) notice = it->second;
  }
  // Once somebody was told, it is as gone as a process that was waited for; forgetting it comes a moment after the
  // telling.
  if (!notice || notice->told()) {
    done(no_process(pid));
    return nullptr;
  }
  ControlSubscriptionPtr subscription = notice->subscribe(std::move(done));
  forget_if_told(pid, *notice);
  return subscription;
}

void Container::forget_if_told(int pid, const ExitNotice& notice) {
  if (!notice.told()) return;
  auto state = state_.lock();
  const auto it = state->exec_notices.find(pid);
  if (it != state->exec_notices.end() && it->second.get() == &notice) state->exec_notices.erase(it);
}

std::vector<control::ProcessInfo> Container::processes() const {
  const PidNamespacePtr numbers = place().pid_namespace;
  if (!numbers) return {};
  return list_processes(kernel_, *control_group_, *numbers);
}

control::Stats Container::stats() const {
  control::Stats stats;
  {
    auto tree = kernel_.tasks().lock();
    const Usage usage = control_group_->usage(*tree);
    stats.cpu_user = static_cast<std::uint64_t>(std::max<std::int64_t>(usage.user_ns, 0));
    stats.cpu_system = static_cast<std::uint64_t>(std::max<std::int64_t>(usage.system_ns, 0));
    stats.pids_current = control_group_->task_count(*tree);
    if (const std::size_t limit = control_group_->max_tasks(*tree); limit != ControlGroup::kNoLimit)
      stats.pids_limit = limit;
  }
  const Resident memory = resident(kernel_, *control_group_);
  stats.memory_current = memory.total();
  stats.memory_cache = memory.file;
  auto state = state_.lock();
  state->memory_peak = std::max(state->memory_peak, memory.total());
  stats.memory_peak = state->memory_peak;
  if (const std::uint64_t limit = control_group_->shown_memory; limit != 0) stats.memory_limit = limit;
  return stats;
}

control::ContainerInfo Container::info() const {
  using control::ContainerStatus;
  control::ContainerInfo info;
  info.id = id();
  {
    auto state = state_.lock();
    const bool runs = state->phase == Phase::kRunning || state->phase == Phase::kEnding;
    info.status = runs ? (state->paused ? ContainerStatus::kPaused : ContainerStatus::kRunning)
                  : state->phase == Phase::kStopped ? ContainerStatus::kStopped
                                                    : ContainerStatus::kCreated;
  }
  auto tree = kernel_.tasks().lock();
  info.processes = static_cast<std::uint32_t>(control_group_->members(*tree).size());
  return info;
}

}  // namespace runsc
