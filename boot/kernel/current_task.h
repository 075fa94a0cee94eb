// CurrentTask: a task on its own thread. System call handlers get one; nobody else can.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "boot/abi/user_pointer.h"
#include "boot/kernel/task.h"
#include "boot/kernel/user_memory.h"
#include "boot/platform/platform.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class CurrentTask;

// What execve(2) prepares: the new image that replaces the present one (boot/loader fills it).
struct NewImage {
  std::shared_ptr<MemoryManager> memory;
  std::unique_ptr<Context> context;
};

// How an interrupted call with a relative time-out goes on (restart_syscall(2)).
using RestartBlock = std::function<Result<long>(CurrentTask&)>;

class CurrentTask {
 public:
  // `context` is null for a task that execs first. The thread that calls run() owns the object.
  CurrentTask(TaskPtr task, std::unique_ptr<Context> context);
  ~CurrentTask();
  CurrentTask(const CurrentTask&) = delete;
  CurrentTask& operator=(const CurrentTask&) = delete;

  // Serves the task until it ends. The body of a task thread.
  void run();

  Task& task() { return *task_; }
  const TaskPtr& task_ptr() const { return task_; }
  Kernel& kernel() const { return task_->kernel(); }
  ThreadGroup& group() const { return *task_->group(); }

  // Cheap access to what only this thread replaces.
  MemoryManager& memory() const { return *memory_; }
  const std::shared_ptr<MemoryManager>& memory_ptr() const { return memory_; }
  FdTable& files() const { return *files_; }
  FsContext& fs() const { return *fs_; }
  const CredentialsPtr& credentials() const { return credentials_; }
  bool capable(int capability) const { return credentials_->has(capability); }
  void set_memory(std::shared_ptr<MemoryManager> memory);
  void set_files(std::shared_ptr<FdTable> files);
  // Whether another process may have the same descriptors (CLONE_FILES).
  bool files_shared() const { return files_.use_count() > 2; }  // this object's and the task's
  void set_fs(std::shared_ptr<FsContext> fs);
  void set_credentials(CredentialsPtr credentials);

  Result<FilePtr> file(Fd fd) const;  // EBADF
  // EBADF for O_PATH descriptors too.
  Result<FilePtr> io_file(Fd fd) const;
  Result<Fd> install(FilePtr file, bool close_on_exec, int from = 0);  // within RLIMIT_NOFILE

  // User memory: EFAULT.
  template <typename T>
  Result<T> read(UserIn<T> from) {
    return read_object<T>(user_memory(), from);
  }
  template <typename T>
  Result<void> write(UserOut<T> to, const T& value) {
    return write_object<T>(user_memory(), to, value);
  }
  template <typename T>
  Result<std::vector<T>> read_array(UserIn<T> from, std::size_t count) {
    return read_objects<T>(user_memory(), from, count);
  }
  template <typename T>
  Result<void> write_array(UserOut<T> to, std::span<const T> values) {
    return write_objects<T>(user_memory(), to, values);
  }
  Result<std::string> read_path(UserPath from);  // ENAMETOOLONG from PATH_MAX on
  Result<std::string> read_string(UserString from, std::size_t limit, Errno too_long);
  AddressSpace& user_memory();

  // Blocking. A signal that must be handled, or the task's end, makes a wait return ERESTARTSYS (kRestartSys); the
  // handler returns it, or EINTR where Linux never restarts. ETIMEDOUT: the deadline passed.
  bool interrupted() const { return task_->has_work(); }
  // Sleeps until `ready()` returns true. The waker changes the condition, then calls queue.notify().
  template <typename Ready>
  Result<void> wait(WaitQueue& queue, EventMask events, const OptionalDeadline& deadline, Ready ready) {
    ScopedWait registration(queue, task_->sleeper(), events);
    return sleep_until(deadline, ready);
  }
  // As wait(), woken only through task().sleeper() or waiters that the caller registered.
  template <typename Ready>
  Result<void> sleep_until(const OptionalDeadline& deadline, Ready ready) {
    for (;;) {
      const std::uint32_t ticket = task_->sleeper().prepare();
      if (ready()) return {};
      if (interrupted()) return kRestartSys;
      TRY(sleep(ticket, deadline));
    }
  }
  // As wait(), but only the end of this task is a reason to return early (true is then returned by killed()).
  template <typename Ready>
  void wait_killably(WaitQueue& queue, Ready ready) {
    ScopedWait registration(queue, task_->sleeper(), kAllEvents);
    for (;;) {
      const std::uint32_t ticket = task_->sleeper().prepare();
      if (ready() || killed()) return;
      (void)sleep(ticket, std::nullopt);
    }
  }
  // Whether this task must end.
  bool killed() const;
  // Makes the handler's ERESTART_RESTARTBLOCK result continue with `block`.
  Errno restart_with(RestartBlock block);
  std::optional<RestartBlock> take_restart_block();

  // The signal mask. set_temporary_mask(): for the duration of this call and the delivery of the signal that ends it
  // (sigsuspend, ppoll ..); restored if no handler runs.
  SignalSet blocked_signals();
  void set_blocked_signals(SignalSet mask);
  void set_temporary_mask(SignalSet mask);

  // The present system call's full registers (only for calls that boot/syscalls marks as kFullState).
  Registers& registers() { return context_->registers(); }
  Context& context() { return *context_; }
  // A handler that has set all registers itself (rt_sigreturn, execve): its result is not put into rax.
  void keep_registers() { keep_registers_ = true; }
  // A memory call whose work the host shall do in the application's own thread (Context::continue_natively). False when
  // that is not possible now: then the handler asks the address space.
  bool may_continue_natively() const;
  // Whether new host threads of the task must have ThreadState::no_native_calls.
  bool guarded() const { return guarded_; }
  void continue_natively() { continue_natively_ = true; }
  // The present call, which is one that threads without seccomp filters execute without asking, as such a thread would.
  Result<long> call_on_host();

  // execve(2) after the point of no return: ends the other threads of the group (this one takes the leader's ids), then
  // replaces memory and registers. The rest of what execve changes is the caller's. EINTR (kRestartNoIntr): this task
  // is being killed; nothing was changed.
  Result<void> end_other_threads();
  void replace_image(NewImage image);

  // Where the next child process lives: the own pid namespace, or the one that unshare(2) or setns(2) has set.
  PidNamespacePtr child_pid_namespace() const;
  void set_child_pid_namespace(PidNamespacePtr names) { child_pid_namespace_ = std::move(names); }

  // Ends this task at the end of the present call; the others of its group too for exit_group. `status` as in wait4(2).
  void exit_task(int status);
  void exit_group(int status);
  bool ending() const { return ending_; }

  // Queues a signal that cannot be ignored or blocked: faults of the application, a frame that cannot be written.
  void force_signal(const SignalInfo& info);

  // Per-thread state that only the own thread uses.
  UserAddress clear_child_tid;          // set_tid_address(2)
  UserAddress robust_list;              // set_robust_list(2)
  SignalStack signal_stack;             // sigaltstack(2)
  std::optional<SignalSet> saved_mask;  // by set_temporary_mask()
  TrapRecord last_trap;                 // of the last fault, for signal frames
  Event event;                          // the one being served

 private:
  void serve();
  void serve_syscall();
  void serve_watched_syscall();
  Result<long> serve_allowed_syscall();
  void complete_syscall(Result<long> result);
  void finish_slowly(Result<long> result, long value);
  void serve_fault();
  void publish_context();
  // Runs application code again after an event that is full, perhaps on another host thread.
  void continue_thread();
  void replace_by_guarded_thread();
  Result<void> sleep(std::uint32_t ticket, const OptionalDeadline& deadline);
  void end();
  // signal_delivery.cc: handles stops, fatal signals and handler frames until the task may run application code again
  // (or is ending). `syscall_result`: of an interrupted call, for restarts. Needs a full event.
  void handle_work(std::optional<Result<long>> syscall_result);

  TaskPtr task_;
  std::unique_ptr<Context> context_;
  std::shared_ptr<MemoryManager> memory_;
  std::shared_ptr<FdTable> files_;
  std::shared_ptr<FsContext> fs_;
  CredentialsPtr credentials_;
  PidNamespacePtr child_pid_namespace_;  // null: the own one
  std::optional<RestartBlock> restart_block_;
  bool keep_registers_ = false;
  bool image_replaced_ = false;
  bool continue_natively_ = false;
  bool guarded_;                        // the host thread makes no calls natively (ThreadState::no_native_calls)
  bool native_call_under_way_ = false;  // MemoryManager::native_call_done() is due at the next event
  bool ending_ = false;
  int exit_status_ = 0;
};

}  // namespace runsc
