// The boot process's side of a worker: mapping calls that stay on one CPU.
#pragma once

#include "boot/base/result.h"
#include "boot/platform/seccomp/agent.h"
#include "boot/platform/seccomp/listener.h"
#include "boot/platform/seccomp/process.h"

namespace runsc::seccomp {

// Not thread-safe, as Agent.
class Worker {
 public:
  // Has the agent start it. `text`: a descriptor to duplicate as a placeholder.
  static Result<Worker> start(Agent& agent, int text);

  // One system call in the application's address space. EIO: the worker has died.
  Result<std::int64_t> call(const Slot& slot, long number, const Agent::Args& args);
  bool alive() const { return process_.alive(); }

 private:
  Worker(Process process, Listener listener) : process_(std::move(process)), listener_(std::move(listener)) {}

  Process process_;
  Listener listener_;
  std::uint64_t doorbell_ = 0;  // the notification that waits for the next command
};

}  // namespace runsc::seccomp
