#include "boot/kernel/current_task.h"

#include <pthread.h>
#include <sys/mman.h>

#include <utility>

#include "boot/base/log.h"
#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/futex.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/memory_limits.h"
#include "boot/kernel/processors.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/seccomp_check.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/thread_task.h"
#include "boot/memory/memory_manager.h"
#include "boot/strace/strace.h"
#include "boot/syscalls/table.h"

namespace runsc {
namespace {

bool wants_restart(const Result<long>& result) {
  return !result.ok() && result.error().value() >= kRestartSys.value() &&
         result.error().value() <= kRestartBlock.value();
}

// Of an address space that was left: what its host processes have used, as far as they have ended. All of them have if
// nobody else used it.
Usage ended_paging(const PagingUsage& paging) {
  Usage usage;
  usage.max_resident_kib = paging.peak_resident_kib.load();
  if (usage.max_resident_kib == 0) return usage;  // lives on: who leaves it last accounts for it
  usage.minor_faults = paging.minor_faults.load();
  usage.major_faults = paging.major_faults.load();
  return usage;
}

}  // namespace

CurrentTask::CurrentTask(TaskPtr task, std::unique_ptr<Context> context)
    : task_(std::move(task)), context_(std::move(context)) {
  TaskResources resources = task_->resources();
  memory_ = std::move(resources.memory);
  files_ = std::move(resources.files);
  fs_ = std::move(resources.fs);
  credentials_ = std::move(resources.credentials);
  guarded_ = resources.seccomp && !resources.seccomp->allows_native_calls();
}

CurrentTask::~CurrentTask() = default;

void CurrentTask::run() {
  ThreadServes this_thread(*task_);
  clockid_t clock = 0;
  if (::pthread_getcpuclockid(::pthread_self(), &clock) == 0)
    task_->service_clock_.store(clock, std::memory_order_relaxed);
  publish_context();
  while (!ending_) serve();
  if (context_) report_exit(*this, exit_status_);
  end();
}

// From here on interrupt() reaches the platform's thread; what came before is made up for.
void CurrentTask::publish_context() {
  auto tree = kernel().tasks().lock();
  task_->set_context(*tree, context_.get());
  if (context_ && task_->affinity.load() != ~std::uint64_t{0}) context_->run_on(effective_affinity(*task_));
  if (context_ && (task_->has_work() || group().control_group()->frozen(*tree))) context_->kick();
}

void CurrentTask::serve() {
  task_->end_service();
  event = context_->wait();
  task_->begin_service(event.kind == Event::Kind::kSyscall ? static_cast<int>(event.number) : Task::Service::kNoCall);
  if (std::exchange(native_call_under_way_, false)) memory_->native_call_done(*context_);
  task_->host_tid_.store(context_->host_tid(), std::memory_order_relaxed);
  switch (event.kind) {
    case Event::Kind::kSyscall:
      return serve_syscall();
    case Event::Kind::kFault:
      if (event.signal == SIGSEGV && memory_->grow_stack(event.address, memory_limits(*this)))
        return context_->resume();
      if (event.signal == SIGBUS && memory_->map_grown_file(event.address)) return context_->resume();
      return serve_fault();
    case Event::Kind::kKicked:
      handle_work(std::nullopt);
      if (!ending_) continue_thread();
      return;
    case Event::Kind::kGone:
      LOG(WARNING) << "task " << raw(task_->tid()) << ": its host thread has died; the process is killed";
      return exit_group(event.signal != 0 ? event.signal : SIGKILL);
  }
}

void CurrentTask::serve_syscall() {
  const bool trace = kernel().trace_syscalls;
  if (trace) trace_syscall_entry(*this, event);
  if (task_->calls_watched()) [[unlikely]]
    return serve_watched_syscall();
  Result<long> result = dispatch_syscall(*this, event.number, event.args);
  if (trace) trace_syscall_exit(*this, event, result);
  if (!ending_) complete_syscall(std::move(result));
}

void CurrentTask::serve_watched_syscall() {
  const bool traced = report_call_entry(*this);
  if (ending_) return;
  Result<long> result = traced && killed() ? Result<long>(kRestartNoIntr) : serve_allowed_syscall();
  if (kernel().trace_syscalls) trace_syscall_exit(*this, event, result);
  if (ending_) return;
  if (traced && !image_replaced_) {
    if (!keep_registers_) registers().rax = static_cast<std::uint64_t>(result.ok() ? *result : -result.error().value());
    const std::uint64_t before = registers().rax;
    report_call_exit(*this);
    if (registers().rax != before) result = static_cast<long>(registers().rax);
  }
  complete_syscall(std::move(result));
}

// What is left of the call once its tracer has seen it.
Result<long> CurrentTask::serve_allowed_syscall() {
  constexpr std::uint32_t kSkipped = ~0U;  // a tracer has put -1 in place of the number
  const bool skipped = event.full && event.number == kSkipped;
  if (skipped) return static_cast<long>(registers().rax);
  std::optional<Result<long>> refused = check_seccomp(*this);
  return refused ? std::move(*refused) : dispatch_syscall(*this, event.number, event.args);
}

void CurrentTask::complete_syscall(Result<long> result) {
  if (std::exchange(image_replaced_, false)) return;  // interrupt() has kicked the new context if there is work
  if (std::exchange(keep_registers_, false)) {
    if (task_->has_work()) handle_work(std::nullopt);
    if (!ending_) continue_thread();
    return;
  }
  if (std::exchange(continue_natively_, false)) {
    native_call_under_way_ = true;
    context_->continue_natively();
    if (task_->has_work()) context_->kick();
    return;
  }
  const long value = result.ok() ? *result : -static_cast<long>(result.error().value());
  if (task_->has_work() || saved_mask || wants_restart(result)) [[unlikely]]
    return finish_slowly(std::move(result), value);
  context_->finish_syscall(value);
}

void CurrentTask::finish_slowly(Result<long> result, long value) {
  if (!event.full) {
    if (!context_->capture(value).ok()) return exit_group(SIGKILL);
    event.full = true;
  }
  registers().rax = static_cast<std::uint64_t>(value);
  handle_work(std::move(result));
  if (!ending_) continue_thread();
}

void CurrentTask::continue_thread() {
  bool guard = false;
  if (task_->calls_watched()) {
    auto tree = kernel().tasks().lock();
    TaskLinks& links = task_->links(*tree);
    if (std::exchange(links.guard_requested, false)) {
      guard = !guarded_;
      if (links.tracing) links.tracing->guarded = true;
      recalculate_work(*tree, *task_);  // or the next call that waits would find itself interrupted
    }
  }
  guard ? replace_by_guarded_thread() : context_->resume();
}

// A host thread cannot take back what its filter allows, so another one takes its place.
void CurrentTask::replace_by_guarded_thread() {
  ThreadState state{registers(), {}, true, context_->rseq()};
  const auto fp = context_->fp_state();
  state.fp_state.assign(fp.begin(), fp.end());
  Result<std::unique_ptr<Context>> guarded = user_memory().new_context(state);
  if (!guarded.ok()) {
    LOG(WARNING) << "task " << raw(task_->tid())
                 << " is killed: no thread that its seccomp filters can watch: " << errno_name(guarded.error());
    return exit_group(SIGKILL);
  }
  {
    auto tree = kernel().tasks().lock();
    task_->set_context(*tree, nullptr);
  }
  context_ = std::move(*guarded);
  guarded_ = true;
  publish_context();
}

Result<void> CurrentTask::sleep(std::uint32_t ticket, const OptionalDeadline& deadline) {
  task_->set_state(TaskState::kSleeping);
  const Result<void> result = task_->sleeper().sleep(ticket, deadline);
  task_->set_state(TaskState::kRunning);
  return result;
}

void CurrentTask::set_memory(std::shared_ptr<MemoryManager> memory) {
  memory_ = memory;
  task_->change_resources([&](TaskResources& r) { r.memory.swap(memory); });
}

void CurrentTask::set_files(std::shared_ptr<FdTable> files) {
  files_ = files;
  task_->change_resources([&](TaskResources& r) { r.files.swap(files); });
}

void CurrentTask::set_fs(std::shared_ptr<FsContext> fs) {
  fs_ = fs;
  task_->change_resources([&](TaskResources& r) { r.fs.swap(fs); });
}

void CurrentTask::set_credentials(CredentialsPtr credentials) {
  credentials_ = credentials;
  task_->change_resources([&](TaskResources& r) { r.credentials.swap(credentials); });
}

Result<FilePtr> CurrentTask::file(Fd fd) const { return files_->get(fd); }

Result<FilePtr> CurrentTask::io_file(Fd fd) const {
  FilePtr file = TRY(files_->get(fd));
  if (file->flags().path_only()) return Errno(EBADF);
  return file;
}

Result<Fd> CurrentTask::install(FilePtr file, bool close_on_exec, int from) {
  return files_->install(std::move(file), close_on_exec, group().limits().soft(RLIMIT_NOFILE), from);
}

AddressSpace& CurrentTask::user_memory() { return memory_->space(); }

Result<std::string> CurrentTask::read_path(UserPath from) {
  constexpr std::size_t kPathMax = 4096;
  return read_c_string(user_memory(), from.value, kPathMax, Errno(ENAMETOOLONG));
}

Result<std::string> CurrentTask::read_string(UserString from, std::size_t limit, Errno too_long) {
  return read_c_string(user_memory(), from.value, limit, too_long);
}

Errno CurrentTask::restart_with(RestartBlock block) {
  restart_block_ = std::move(block);
  return kRestartBlock;
}

std::optional<RestartBlock> CurrentTask::take_restart_block() { return std::exchange(restart_block_, std::nullopt); }

bool CurrentTask::may_continue_natively() const { return !event.full; }

bool CurrentTask::killed() const {
  auto tree = kernel().tasks().lock();
  return task_->links(*tree).killed;
}

Result<long> CurrentTask::call_on_host() {
  if (!event.full) {
    continue_natively();
    return 0;
  }
  // Stopped in the middle of the call, by a tracer.
  registers().rax = event.number;
  task_->set_state(TaskState::kSleeping);
  const Result<bool> done = context_->call_natively();
  task_->set_state(TaskState::kRunning);
  if (!done.ok()) return kRestartNoIntr;
  if (!*done) return kRestartSys;
  const auto value = static_cast<long>(registers().rax);
  if (value < 0 && value > -4096) return Errno(static_cast<int>(-value));
  return value;
}

PidNamespacePtr CurrentTask::child_pid_namespace() const {
  return child_pid_namespace_ ? child_pid_namespace_ : task_->pid_namespace();
}

void CurrentTask::exit_task(int status) {
  ending_ = true;
  exit_status_ = status;
}

void CurrentTask::exit_group(int status) {
  {
    auto tree = kernel().tasks().lock();
    kill_group(*tree, group(), status);
  }
  exit_task(status);
}

Result<void> CurrentTask::end_other_threads() {
  {
    auto tree = kernel().tasks().lock();
    ThreadGroupLinks& links = group().links(*tree);
    if (links.exiting || links.executing != nullptr) return kRestartNoIntr;
    links.executing = task_.get();
    for (const TaskPtr& other : links.tasks) {
      if (other == task_ || other->links(*tree).exited) continue;
      other->links(*tree).killed = true;
      other->interrupt(*tree);
    }
  }
  const Result<void> alone = sleep_until(std::nullopt, [&] {
    auto tree = kernel().tasks().lock();
    return group().links(*tree).living == 1;
  });
  auto tree = kernel().tasks().lock();
  ThreadGroupLinks& links = group().links(*tree);
  links.executing = nullptr;
  if (!alone.ok()) return kRestartNoIntr;
  if (links.leader != task_.get()) take_over_leadership(*tree, *task_);
  return {};
}

void CurrentTask::replace_image(NewImage image) {
  std::unique_ptr<Context> old = std::move(context_);
  {
    auto tree = kernel().tasks().lock();
    task_->set_context(*tree, nullptr);
  }
  const std::shared_ptr<const PagingUsage> paging = memory_ ? memory_->space().paging_usage() : nullptr;
  old.reset();  // the old program's thread is dead before its memory goes
  context_ = std::move(image.context);
  set_memory(std::move(image.memory));
  if (paging != nullptr) group().links(*kernel().tasks().lock()).ended_tasks.add(ended_paging(*paging));
  publish_context();
  image_replaced_ = true;
}

void CurrentTask::end() {
  if (memory_ && context_) {
    exit_robust_list(*this);
    clear_child_tid_at_exit(*this);
  }
  std::shared_ptr<VforkCompletion> vfork_completion;
  bool process_ends;
  {
    auto tree = kernel().tasks().lock();
    task_->set_context(*tree, nullptr);
    vfork_completion = std::move(task_->links(*tree).vfork_completion);
    const ThreadGroupLinks& links = group().links(*tree);
    process_ends = links.exiting || links.living == 1;
  }
  // Before the parent can hear of the end.
  if (const auto ipc = task_->resources().ipc; process_ends && ipc) ipc->semaphores.undo_all(group());
  Usage usage = task_->usage();
  const std::shared_ptr<const PagingUsage> paging = memory_ ? memory_->space().paging_usage() : nullptr;
  task_->host_tid_.store(0, std::memory_order_relaxed);
  task_->service_clock_.store(0, std::memory_order_relaxed);
  context_.reset();
  set_memory(nullptr);
  if (paging != nullptr) usage.add(ended_paging(*paging));
  if (vfork_completion) vfork_completion->complete();
  set_files(nullptr);
  set_fs(nullptr);
  std::function<void()> afterwards;
  {
    auto tree = kernel().tasks().lock();
    afterwards = finish_task(*tree, *task_, exit_status_, usage);
  }
  if (afterwards) afterwards();
}

}  // namespace runsc
