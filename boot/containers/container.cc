#include "boot/containers/container.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "boot/base/log.h"
#include "boot/containers/container_hooks.h"
#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/exit.h"
#include "boot/loader/container/mounts.h"
#include "boot/loader/container/sysctls.h"
#include "boot/memory/memory_manager.h"
#include "boot/startup_report.h"

namespace runsc {

using control::Failure;
using control::FailureCode;
using control::Outcome;

namespace {

// How long a container that is destroyed may take before its gofer is given up on, and again before it is.
constexpr int kPatienceSeconds = 5;

std::size_t task_limit(std::int64_t configured) {
  return configured > 0 ? static_cast<std::size_t>(configured) : ControlGroup::kNoLimit;
}

std::uint64_t shown_memory(std::int64_t limit) { return limit > 0 ? static_cast<std::uint64_t>(limit) : 0; }

UtsNamespacePtr make_uts(const ContainerConfig& config) {
  return std::make_shared<UtsNamespace>(UtsNames{configured_name(config, "kernel.hostname", config.hostname),
                                                 configured_name(config, "kernel.domainname", config.domainname)});
}

// The front end has compiled it; it is checked like one that an application installs.
Result<SeccompFiltersPtr> make_seccomp(const ContainerConfig& config) {
  if (config.seccomp_filter.empty()) return SeccompFiltersPtr();
  if (config.seccomp_filter.size() > BPF_MAXINSNS) return Errno(EINVAL);
  std::vector<sock_filter> code(config.seccomp_filter.size());
  static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));
  std::memcpy(code.data(), config.seccomp_filter.data(), code.size() * sizeof(sock_filter));
  return SeccompFilters::add(
      nullptr, {TRY(FilterProgram::check(std::move(code))), config.seccomp_log, config.no_new_privileges});
}

// What everybody else sees of a container while it is made and after its end.
Failure not_running() { return {FailureCode::kNotRunning, "container not running"}; }

}  // namespace

Failure to_failure(const StartFailure& reason) {
  switch (reason.kind) {
    case StartFailure::Kind::kNotFound:
      return {FailureCode::kExecutableNotFound, reason.message};
    case StartFailure::Kind::kNotExecutable:
      return {FailureCode::kNotExecutable, reason.message};
    case StartFailure::Kind::kTooMany:
      return {FailureCode::kLimit, reason.message};
    case StartFailure::Kind::kOther:
      break;
  }
  return {FailureCode::kInvalid, reason.message};
}

Container::Container(ContainerEnvironment& environment, ContainerConfig config)
    : environment_(environment),
      kernel_(environment.kernel),
      config_(std::move(config)),
      control_group_(std::make_shared<ControlGroup>()),
      init_notice_(std::make_shared<ExitNotice>()) {}

Container::~Container() = default;

ContainerPtr Container::create(ContainerEnvironment& environment, ContainerConfig config, ContainerFiles files,
                               const JoinedNamespaces& joined, CreateFailure& failure) {
  ContainerPtr made(new Container(environment, std::move(config)));
  std::optional<CreateFailure> failed = made->prepare(std::move(files), joined);
  if (!failed) return made;
  made->environment_.gofers.remove(made->gofers_);
  failure = {failed->stage, made->cause_of(std::move(failed->reason))};
  return nullptr;
}

std::optional<CreateFailure> Container::prepare(ContainerFiles files, const JoinedNamespaces& joined) {
  {
    auto tree = kernel_.tasks().lock();
    control_group_->set_max_tasks(*tree, task_limit(config_.pids_limit.value_or(0)));
  }
  control_group_->shown_memory = shown_memory(config_.memory_limit.value_or(0));
  show_limits({.pids = {},
               .memory = {},
               .cpu_quota = config_.cpu_quota,
               .cpu_period = config_.cpu_period,
               .cpu_shares = config_.cpu_shares,
               .memory_swap = config_.memory_swap,
               .memory_reservation = config_.memory_reservation});
  ProcessPlace place;
  if (const auto settled = find_birthplace(place); !settled.ok())
    return CreateFailure{"platform", start_failure("clone a process for the container", settled.error())};
  if (auto failed = set_sysctls(config_, *environment_.services)) return CreateFailure{"sysctl", std::move(*failed)};
  if (const auto watched = watch_gofers(files.gofer_connections); !watched.ok())
    return CreateFailure{"gofer", start_failure("watch the gofer", watched.error())};

  const Result<SeccompFiltersPtr> seccomp = make_seccomp(config_);
  if (!seccomp.ok()) return CreateFailure{"seccomp", start_failure("linux.seccomp", seccomp.error())};
  place.seccomp = *seccomp;
  place.pid_namespace = joined.pid ? joined.pid : std::make_shared<PidNamespace>(kernel_.root_pid_namespace());
  place.uts = joined.uts ? joined.uts : make_uts(config_);
  place.ipc = joined.ipc ? joined.ipc : std::make_shared<IpcNamespace>();
  place.control_group = control_group_;
  StartStatus failed;
  place.mounts = mount_container(config_,
                                 {files.gofer_connections, files.overlay_stores, environment_.services,
                                  place.pid_namespace, control_group_, place.ipc},
                                 failed);
  if (!place.mounts) return CreateFailure{"mount", std::move(*failed)};
  files.process.container_console = true;
  // The sandbox's end is the end of the first one's.
  files.process.console_life = is_first() ? ConsoleLife::kSandbox : ConsoleLife::kSlaves;
  MadeProcess first = make_process(kernel_, config_, place, std::move(files.process), failed);
  if (!first.task) return CreateFailure{"load", std::move(*failed)};
  init_ = first.task->task().group();
  *place_.lock() = std::move(place);
  auto state = state_.lock();
  state->first = std::move(first.task);
  if (first.console) state->consoles.emplace(raw(init_->pid()), std::move(first.console));
  return std::nullopt;
}

// The first container is where the sandbox is. Further ones have cgroups of their own on the host.
Result<void> Container::find_birthplace(ProcessPlace& place) {
  if (is_first()) return {};
  place.birthplace = TRY(kernel_.platform().new_birthplace());
  control_group_->birthplace = place.birthplace;
  return {};
}

// Those that exist so far. What comes later is forked from these.
std::vector<int> Container::host_processes() const {
  std::vector<int> out;
  if (const auto birthplace = place().birthplace) out.push_back(birthplace->host_pid());
  {
    auto state = state_.lock();
    if (state->first) out.push_back(state->first->context().host_tid());
  }
  auto tree = kernel_.tasks().lock();
  for (ThreadGroup* member : control_group_->members(*tree))
    for (const TaskPtr& task : member->links(*tree).tasks)
      if (const auto memory = task->memory()) out.push_back(memory->space().host_pid());
  return out;
}

// The connections themselves move into the file systems; what is kept only hears of hang-ups, and ends connections
// whose other end is silent.
Result<void> Container::watch_gofers(const std::vector<UniqueFd>& connections) {
  for (const UniqueFd& connection : connections) {
    UniqueFd copy(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return last_errno();
    gofers_.push_back(std::move(copy));
  }
  return environment_.gofers.add(id(), gofers_);
}

ProcessPlace Container::place() const { return *place_.lock(); }

JoinedNamespaces Container::namespaces() const {
  const ProcessPlace own = place();
  return {own.pid_namespace, own.uts, own.ipc};
}

Outcome<void> Container::start() {
  std::unique_ptr<CurrentTask> first;
  {
    auto state = state_.lock();
    if (state->phase == Phase::kRunning || state->phase == Phase::kStarting)
      return Failure{FailureCode::kRunning, "container is already running"};
    if (state->phase != Phase::kCreated) return Failure{FailureCode::kNotRunning, "cannot start a stopped container"};
    first = std::move(state->first);
    state->phase = Phase::kStarting;
  }
  if (auto failed = run_start_hooks(kernel_, environment_.exits, config_, place())) {
    Failure failure = to_failure(cause_of(std::move(*failed)));
    abandon(std::move(first), exited_status(1));
    return failure;
  }
  // Destroyed meanwhile: whoever does it waits for the end.
  const bool goes_on = [&] {
    auto state = state_.lock();
    if (!state->destroying) state->phase = Phase::kRunning;
    return !state->destroying;
  }();
  if (!goes_on) {
    abandon(std::move(first), SIGKILL);
    return not_running();
  }
  environment_.exits.expect(*init_, [self = shared_from_this()](int status) { self->init_ended(status); });
  kernel_.start(std::move(first));
  return {};
}

std::unique_ptr<CurrentTask> Container::take_unstarted() {
  auto state = state_.lock();
  if (state->phase != Phase::kCreated) return nullptr;
  state->phase = Phase::kEnding;
  return std::move(state->first);
}

void Container::abandon(std::unique_ptr<CurrentTask> first, Outcome<int> result) {
  const TaskPtr task = first->task_ptr();
  first.reset();
  kernel_.discard(task);
  stopped(std::move(result));
}

// On the thread of the first process's last task, which has been reaped.
void Container::init_ended(int status) {
  drain_console(raw(init_->pid()));
  if (is_first()) {
    environment_.events->publish({control::Event::Kind::kExit, id(), status});
    init_notice_->settle(status);
    environment_.on_first_end(status);
    return;
  }
  state_.lock()->phase = Phase::kEnding;
  kill_all();
  wait_until_empty();
  stopped(status);
}

void Container::stopped(Outcome<int> result) {
  {
    auto state = state_.lock();
    state->phase = Phase::kStopped;
    state->paused = false;
    changed_.notify_all();
  }
  if (result.ok()) environment_.events->publish({control::Event::Kind::kExit, id(), *result});
  const int status = result.ok() ? *result : 0;
  init_notice_->settle(std::move(result));
  if (is_first()) environment_.on_first_end(status);
}

// The last words of a process are to be outside before anybody hears of its end.
void Container::drain_console(int pid) {
  HostConsolePtr console;
  {
    auto state = state_.lock();
    const auto it = state->consoles.find(pid);
    if (it == state->consoles.end()) return;
    console = std::move(it->second);
    state->consoles.erase(it);
  }
  console->drain();
}

void Container::kill_all() {
  auto tree = kernel_.tasks().lock();
  control_group_->kill_all(*tree);
}

void Container::wait_until_empty() {
  Sleeper sleeper;
  ScopedWait registration(control_group_->events(), sleeper, POLLIN);
  for (;;) {
    const std::uint32_t ticket = sleeper.prepare();
    {
      auto tree = kernel_.tasks().lock();
      if (control_group_->ended(*tree)) return;
    }
    (void)sleeper.sleep(ticket, std::nullopt);
  }
}

bool Container::wait_until_stopped(int seconds) {
  auto state = state_.lock();
  return changed_.wait_for(state.underlying(), std::chrono::seconds(seconds),
                           [&] { return state->phase == Phase::kStopped; });
}

void Container::shut_gofers_down() {
  environment_.gofers.remove(gofers_);
  for (const UniqueFd& gofer : gofers_) ::shutdown(gofer.get(), SHUT_RDWR);
}

StartFailure Container::cause_of(StartFailure reason) const {
  const bool died = std::any_of(gofers_.begin(), gofers_.end(), [](const UniqueFd& gofer) {
    pollfd entry{.fd = gofer.get(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
  });
  return died ? StartFailure{.message = std::string(kGoferDied)} : reason;
}

Outcome<void> Container::destroy() {
  state_.lock()->destroying = true;
  if (auto first = take_unstarted()) {
    abandon(std::move(first), Failure{FailureCode::kNotFound, "container does not exist"});
  } else {
    kill_all();
    if (!wait_until_stopped(kPatienceSeconds)) shut_gofers_down();
    if (!wait_until_stopped(kPatienceSeconds))
      return Failure{FailureCode::kInternal, "container " + id() + ": its processes do not end"};
  }
  environment_.gofers.remove(gofers_);
  state_.lock()->exec_notices.clear();
  ProcessPlace released;
  std::swap(*place_.lock(), released);
  return {};
}

void Container::gofer_died() {
  environment_.gofers.remove(gofers_);
  if (state_.lock()->phase == Phase::kStopped) return;
  LOG(ERROR) << "the gofer process of container " << id() << " has died: its processes are killed";
  if (auto first = take_unstarted()) return abandon(std::move(first), SIGKILL);
  kill_all();
}

Outcome<void> Container::accepts_processes(bool ignore_paused) const {
  auto state = state_.lock();
  if (state->phase != Phase::kRunning || state->destroying) return not_running();
  if (state->paused && !ignore_paused)
    return Failure{FailureCode::kPaused, "cannot exec in a paused container (use --ignore-paused to override)"};
  return {};
}

Outcome<int> Container::exec(control::ExecRequest request) {
  if (auto accepts = accepts_processes(request.ignore_paused); !accepts.ok()) return accepts.failure();
  if (request.process.cwd.empty()) request.process.cwd = config_.cwd;
  const ProcessPlace where = place();
  if (!where.mounts) return not_running();
  if (request.stdio.size() != 3) return Failure{FailureCode::kInvalid, "a process needs three standard descriptors"};
  ProcessFiles files;
  std::move(request.stdio.begin(), request.stdio.end(), files.stdio.begin());
  files.extra = std::move(request.extra);
  StartStatus failed;
  MadeProcess made = make_process(kernel_, request.process, where, std::move(files), failed);
  if (!made.task) {
    const auto accepts = accepts_processes(true);
    return accepts.ok() ? to_failure(cause_of(std::move(*failed))) : accepts.failure();
  }
  const int pid = raw(made.task->task().tid());
  const auto notice = std::make_shared<ExitNotice>();
  {
    auto state = state_.lock();
    state->exec_notices.insert_or_assign(pid, notice);
    if (made.console) state->consoles.insert_or_assign(pid, std::move(made.console));
  }
  environment_.exits.expect(made.task->group(), [self = shared_from_this(), pid, notice](int status) {
    self->drain_console(pid);
    notice->settle(status);
    self->forget_if_told(pid, *notice);
  });
  kernel_.start(std::move(made.task));
  return pid;
}

}  // namespace runsc
