// Threads for requests that take their time.
#pragma once

#include <kj/function.h>

#include <condition_variable>
#include <cstddef>
#include <deque>

#include "boot/base/lock.h"

namespace runsc {

// A thread lives as long as there is something to do: an idle sandbox has none of these.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t max_threads) : max_threads_(max_threads) {}
  // Drops the jobs that have not begun, and waits for the others.
  ~WorkerPool();

  // Runs `job` on a thread of the pool's; it may block and must not throw. Dropped, that is destroyed without being
  // called, when the host has no thread for it. From any thread.
  void post(kj::Function<void()> job);

 private:
  struct State {
    std::deque<kj::Function<void()>> jobs;
    std::size_t threads = 0;
  };
  void work();

  std::size_t max_threads_;
  Guarded<State, LockLevel::kLeaf> state_;
  std::condition_variable_any ended_;
};

}  // namespace runsc
