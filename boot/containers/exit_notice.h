// Telling others of the end of a process that nobody inside its container waits for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "boot/base/lock.h"
#include "boot/controller/service.h"
#include "boot/kernel/thread_group.h"

namespace runsc {

// How one process ended, and who wants to know. Thread-safe.
class ExitNotice : public std::enable_shared_from_this<ExitNotice> {
 public:
  using Callback = ControlService::WaitCallback;

  // Once: `result` is a wait status, or why there never will be one.
  void settle(control::Outcome<int> result);
  // Called with the result: now, on this thread, or by settle().
  ControlSubscriptionPtr subscribe(Callback callback);
  bool settled() const { return state_.lock()->result.has_value(); }
  // Whether anybody has been told.
  bool told() const { return state_.lock()->told; }

 private:
  class Subscription;
  struct State {
    std::optional<control::Outcome<int>> result;
    std::map<std::uint64_t, Callback> waiting;
    std::uint64_t next = 0;
    bool told = false;
  };
  Guarded<State, LockLevel::kExitNotice> state_;
};
using ExitNoticePtr = std::shared_ptr<ExitNotice>;

// Which processes' ends are to be told to whom: what Kernel::on_orphan_exit calls. Thread-safe.
class ExitTable {
 public:
  // Called once with the wait status, on the thread of the process's last task, without locks.
  using Handler = std::function<void(int status)>;
  // Before the process is started.
  void expect(const ThreadGroup& process, Handler handler);
  void ended(const ThreadGroup& process, int status);

 private:
  Guarded<std::map<const ThreadGroup*, Handler>, LockLevel::kLeaf> handlers_;
};

}  // namespace runsc
