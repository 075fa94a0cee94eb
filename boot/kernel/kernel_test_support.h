// For tests: a kernel with processes that nobody runs, on a platform of page records.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "boot/kernel/exit.h"
#include "boot/kernel/host_poller.h"
#include "boot/kernel/interval_timers.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/posix_timers.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/timer_queue.h"
#include "boot/memory/fake_platform.h"

namespace runsc {

class KernelTest : public testing::Test {
 protected:
  KernelTest() : kernel(platform, make_timers(), std::make_unique<HostPoller>()) {}
  // Tasks and groups refer to each other until they are reaped.
  ~KernelTest() override {
    for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
      auto tree = kernel.tasks().lock();
      if (kernel.root_pid_namespace()->find(*tree, (*task)->tid()) == task->get()) remove_task(*tree, **task);
    }
  }

  TaskPtr create(Kernel::NewTask parameters) {
    auto credentials = std::make_shared<Credentials>(*root_credentials());
    parameters.resources.credentials = credentials;
    Result<TaskPtr> task = kernel.create_task(parameters);
    EXPECT_TRUE(task.ok());
    tasks.push_back(*task);
    return *task;
  }
  // The init of the root pid namespace comes first.
  TaskPtr new_process(const TaskPtr& parent = nullptr) {
    Kernel::NewTask parameters;
    parameters.pid_namespace = kernel.root_pid_namespace();
    parameters.limits = limits;
    if (parent) {
      parameters.parent = parent->group();
      auto tree = kernel.tasks().lock();
      parameters.process_group = parent->group()->links(*tree).group;
    }
    return create(std::move(parameters));
  }
  TaskPtr new_thread(const TaskPtr& leader) {
    Kernel::NewTask parameters;
    parameters.group = leader->group();
    return create(std::move(parameters));
  }
  ThreadGroupLinks& links(const TaskPtr& task) { return task->group()->links(*kernel.tasks().lock()); }
  void set_action(const TaskPtr& task, int signal, std::uint64_t handler, std::uint64_t flags = 0) {
    auto tree = kernel.tasks().lock();
    (*task->group()->links(*tree).handlers)[signal] = {handler, flags, 0, {}};
  }

  LimitTable limits = default_limits();
  FakePlatform platform;
  Kernel kernel;
  std::vector<TaskPtr> tasks;

 private:
  static std::unique_ptr<TimerQueue> make_timers() {
    auto timers = std::make_unique<TimerQueue>();
    EXPECT_TRUE(timers->start().ok());
    return timers;
  }
};

inline constexpr std::uint64_t kSomeHandler = 0x401000;
inline constexpr std::uint64_t kIgnoreHandler = 1;  // SIG_IGN

}  // namespace runsc
