// signalfd(2).
#pragma once

#include <memory>
#include <vector>

#include "boot/abi/signal.h"
#include "boot/fs/anon/anon_file.h"
#include "boot/kernel/task.h"

namespace runsc {

// Reads the signals that are pending for whoever reads, which is why it depends on the task that the thread serves
// (thread_task.h). Whoever waits for it, waits for signals of the task that asked for the wait queue.
class SignalFd : public AnonFile {
 public:
  // `flags`: SFD_NONBLOCK.
  SignalFd(SignalSet wanted, int flags);
  ~SignalFd() override;

  void set_wanted(SignalSet wanted);

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override;
  bool pollable() override { return true; }

 private:
  // Passes on what a task's signals tell. Keeps the task's object in memory, which ends its files when it ends, so that
  // this is no cycle.
  class Source : public Waiter {
   public:
    Source(TaskPtr task, WaitQueue& target) : task_(std::move(task)), target_(target) {
      task_->signal_events().add(*this, POLLIN);
    }
    ~Source() override { task_->signal_events().remove(*this); }
    void notify(EventMask) override { target_.notify(POLLIN | POLLRDNORM); }
    const TaskPtr& task() const { return task_; }

   private:
    const TaskPtr task_;
    WaitQueue& target_;
  };

  std::atomic<std::uint64_t> wanted_;
  WaitQueue waiters_;
  Guarded<std::vector<std::unique_ptr<Source>>, LockLevel::kPipe> sources_;
};

}  // namespace runsc
