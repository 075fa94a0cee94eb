#include "boot/kernel/kernel.h"

#include <pthread.h>

#include <utility>

#include "boot/base/log.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/host_poller.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/timer_queue.h"

namespace runsc {
namespace {

// Task threads are many; their frames are small. Sanitizers need more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackSize = 2 << 20;
#else
constexpr std::size_t kStackSize = 256 << 10;
#endif

// Ids for a new task in its namespace and all ancestors. EAGAIN.
Result<Task::Ids> allocate_ids(TaskTree& tree, const PidNamespacePtr& own) {
  Task::Ids ids;
  for (PidNamespacePtr level = own; level; level = level->parent()) ids.emplace_back(level, TRY(level->allocate(tree)));
  return ids;
}

ThreadGroupPtr make_group(TaskTree& tree, Kernel& kernel, const Kernel::NewTask& parameters,
                          std::shared_ptr<ControlGroup> control_group) {
  auto group =
      std::make_shared<ThreadGroup>(kernel, parameters.pid_namespace, std::move(control_group), parameters.limits);
  ThreadGroupLinks& links = group->links(tree);
  links.parent = parameters.parent;
  links.parent_task = parameters.parent_task;
  links.exit_signal = parameters.exit_signal;
  links.handlers = parameters.handlers ? parameters.handlers : std::make_shared<SignalHandlers>();
  if (links.parent) {
    const ThreadGroupLinks& parent = links.parent->links(tree);
    links.has_subreaper_ancestor = parent.has_subreaper_ancestor || parent.child_subreaper;
  }
  return group;
}

}  // namespace

Kernel::Kernel(Platform& platform, std::unique_ptr<TimerQueue> timers, std::unique_ptr<HostPoller> host_poller)
    : platform_(platform),
      timers_(std::move(timers)),
      host_poller_(std::move(host_poller)),
      root_pid_namespace_(std::make_shared<PidNamespace>(nullptr)),
      root_control_group_(std::make_shared<ControlGroup>()),
      boot_time_ns_(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME)) {}

Kernel::~Kernel() = default;

Result<TaskPtr> Kernel::create_task(const NewTask& parameters) {
  auto tree = tasks_.lock();
  if (tree->task_count >= max_tasks) return Errno(EAGAIN);
  if (parameters.group && parameters.group->links(*tree).exiting) return Errno(EAGAIN);
  // A parent that is being killed must not leave a child behind.
  if (parameters.parent && parameters.parent->links(*tree).exiting) return Errno(EAGAIN);
  const PidNamespacePtr& pid_namespace =
      parameters.group ? parameters.group->pid_namespace() : parameters.pid_namespace;
  if (!parameters.group && pid_namespace->init_died(*tree)) return Errno(ENOMEM);
  const bool new_group = parameters.group == nullptr;
  const auto& named = parameters.control_group ? parameters.control_group : root_control_group_;
  const std::shared_ptr<ControlGroup> control_group = new_group ? named : parameters.group->control_group();
  Task::Ids ids = TRY(allocate_ids(*tree, pid_namespace));
  TRY(control_group->charge(*tree));
  const ThreadGroupPtr group = new_group ? make_group(*tree, *this, parameters, control_group) : parameters.group;
  auto task = std::make_shared<Task>(group, ids, parameters.resources);
  task->signals(*tree).blocked = parameters.blocked;
  for (const auto& [level, id] : ids) level->add(*tree, id, task.get());
  ThreadGroupLinks& links = group->links(*tree);
  links.tasks.push_back(task);
  ++links.living;
  ++tree->task_count;
  if (new_group) {
    links.leader = task.get();
    group->ids(*tree) = std::move(ids);
    control_group->add(*tree, *group);
    if (links.parent) links.parent->links(*tree).children.push_back(group);
    if (parameters.process_group) {
      join_process_group(*tree, *group, parameters.process_group);
    } else {
      start_session(*tree, *group);
    }
  }
  return task;
}

void Kernel::discard(const TaskPtr& task) {
  auto tree = tasks_.lock();
  remove_task(*tree, *task);
}

void Kernel::start(std::unique_ptr<CurrentTask> current) {
  running_threads_.fetch_add(1, std::memory_order_relaxed);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int status = pthread_create(
      &thread, &attributes,
      [](void* argument) -> void* {
        std::unique_ptr<CurrentTask> current(static_cast<CurrentTask*>(argument));
        Kernel& kernel = current->kernel();
        current->run();
        current.reset();
        kernel.running_threads_.fetch_sub(1, std::memory_order_release);
        kernel.running_threads_.notify_all();
        return nullptr;
      },
      current.get());
  pthread_attr_destroy(&attributes);
  if (status == 0) {
    (void)current.release();
    return;
  }
  // No host thread left: the task ends as if it had been killed, so that its parent hears of it.
  LOG(ERROR) << "cannot start a task thread: " << errno_name(Errno(status));
  current->exit_group(SIGKILL);
  current->run();
  running_threads_.fetch_sub(1, std::memory_order_release);
}

void Kernel::join() {
  for (int count = running_threads_.load(); count != 0; count = running_threads_.load()) running_threads_.wait(count);
}

}  // namespace runsc
