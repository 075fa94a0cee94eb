// The futex operations that reach the kernel, and what the end of a thread means to futexes.
//
// FUTEX_WAIT, WAKE, REQUEUE and WAKE_OP run natively on the host (DESIGN: nothing of theirs is a secret, and they are
// hot). Priority-inheriting locks name their owner by the thread id of the application kernel, which the host does not
// know, so they live here: the word in the application's memory follows futex(2), the waiters queue in a FutexTable.
// (The host schedules threads; inheritance of priorities has no effect, exclusion and hand-over do.)
//
// The word is shared with hostile code that may write anything at any time: it decides only who among the threads that
// can write it gets the lock.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "boot/abi/ids.h"
#include "boot/abi/user_pointer.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/deadline.h"

namespace runsc {

class CurrentTask;
class Task;

// What identifies a futex: an address of one address space, or, in shared memory, a place in a file. The object is
// only compared, and every waiter keeps it alive.
struct FutexKey {
  std::shared_ptr<const void> object;
  std::uint64_t offset = 0;
  bool operator<(const FutexKey& other) const {
    return std::pair(object.get(), offset) < std::pair(other.object.get(), other.offset);
  }
};

// One thread that waits for a lock, or for a requeue to one. Lives on its stack while it sleeps; guarded by the table's
// lock except for `owns`.
struct FutexWaiter;

// The waiters of all PI futexes, in the order of their arrival. Thread-safe.
class FutexTable {
 public:
  FutexTable();
  ~FutexTable();

  struct Queue {
    std::list<FutexWaiter*> waiters;
    std::weak_ptr<Task> owner;  // of a PI lock that has waiters
  };
  using Queues = std::map<FutexKey, Queue>;
  // Held while a word and its queue change together: PI operations of all processes exclude each other.
  Guarded<Queues, LockLevel::kFutex>& queues() { return queues_; }

 private:
  Guarded<Queues, LockLevel::kFutex> queues_;
};

// futex(2), FUTEX_LOCK_PI and friends. `private_key`: FUTEX_PRIVATE_FLAG.
struct FutexAddress {
  std::uint64_t address = 0;
  bool is_private = false;
};
Result<void> futex_lock_pi(CurrentTask& task, FutexAddress futex, const OptionalDeadline& deadline, bool try_only);
Result<void> futex_unlock_pi(CurrentTask& task, FutexAddress futex);
Result<void> futex_wait_requeue_pi(CurrentTask& task, FutexAddress from, std::uint32_t expected,
                                   const OptionalDeadline& deadline, FutexAddress to);
// Returns how many were woken or requeued.
Result<long> futex_cmp_requeue_pi(CurrentTask& task, FutexAddress from, FutexAddress to, std::uint32_t expected,
                                  std::uint32_t requeue_limit);

// The end of a thread, and execve(2), while its memory is still there: marks the locks of the robust list
// (set_robust_list(2)) as left by a dead owner and wakes their waiters; hands on PI locks that others wait for. The
// list is hostile input: at most 2048 entries are followed, and it ends at the first bad address.
void exit_robust_list(CurrentTask& task);

// set_tid_address(2): zeroes the word and wakes one waiter.
void clear_child_tid_at_exit(CurrentTask& task);

}  // namespace runsc
