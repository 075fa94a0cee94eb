// Which task a host thread serves.
#pragma once

namespace runsc {

class Task;

// The task that the calling thread serves; null on threads that serve none. For operations of open files, which know
// the file and not the caller, where the outcome depends on the caller nevertheless: the credentials that a Unix socket
// sends along, the signals that a signalfd reads, the job control of a terminal. Everything else is given its
// CurrentTask.
Task* task_of_this_thread();

// Names the task for as long as it lives. In CurrentTask::run().
class ThreadServes {
 public:
  explicit ThreadServes(Task& task);
  ~ThreadServes();
  ThreadServes(const ThreadServes&) = delete;
  ThreadServes& operator=(const ThreadServes&) = delete;
};

}  // namespace runsc
