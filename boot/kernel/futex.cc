#include "boot/kernel/futex.h"

#include <linux/futex.h>

#include <atomic>
#include <optional>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

struct FutexWaiter {
  TaskPtr task;
  std::uint32_t tid = 0;                  // as the word names it
  std::shared_ptr<MemoryManager> memory;  // where the word of the lock can be reached
  std::uint64_t lock_address = 0;
  FutexKey key{};                    // the queue it is in
  std::optional<FutexKey> target{};  // FUTEX_WAIT_REQUEUE_PI: the lock it may be moved to, until it was
  std::atomic<bool> owns{false};     // it has got the lock, and is in no queue
};

FutexTable::FutexTable() = default;
FutexTable::~FutexTable() = default;

namespace {

using Queues = FutexTable::Queues;
using Queue = FutexTable::Queue;

// Another thread may change the word at any time, but not keep us changing it for ever with the table locked.
constexpr int kMostAttempts = 1000;

// The word of a lock, in the address space of one of its users.
struct LockWord {
  AddressSpace& space;
  std::uint64_t address;

  Result<std::uint32_t> load() const { return exchange(0, 0); }
  Result<std::uint32_t> exchange(std::uint32_t expected, std::uint32_t desired) const {
    return space.compare_exchange(address, expected, desired);
  }
};

constexpr std::uint32_t owner_of(std::uint32_t word) { return word & FUTEX_TID_MASK; }

Result<FutexKey> key_of(CurrentTask& task, FutexAddress futex) {
  if (futex.address % sizeof(std::uint32_t) != 0) return Errno(EINVAL);
  if (!futex.is_private) {
    for (const Vma& vma : task.memory().vmas()) {
      if (!vma.shared || !vma.file || !vma.range().contains(futex.address)) continue;
      // All open files of one inode show the same memory.
      const std::shared_ptr<const void> inode = vma.file->inode();
      return FutexKey{inode ? inode : vma.file, vma.file_offset(futex.address)};
    }
  }
  return FutexKey{task.memory_ptr(), futex.address};
}

Queue* find(Queues& queues, const FutexKey& key) {
  const auto it = queues.find(key);
  return it != queues.end() ? &it->second : nullptr;
}

void enqueue(Queues& queues, FutexWaiter& waiter, const FutexKey& key) {
  waiter.key = key;
  queues[key].waiters.push_back(&waiter);
}

void dequeue(Queues& queues, FutexWaiter& waiter) {
  Queue* queue = find(queues, waiter.key);
  if (queue == nullptr) return;
  queue->waiters.remove(&waiter);
  if (queue->waiters.empty()) queues.erase(waiter.key);
}

void give_lock(FutexWaiter& waiter) {
  // After this store the waiter may be gone.
  const TaskPtr task = waiter.task;
  waiter.owns.store(true, std::memory_order_release);
  task->sleeper().wake();
}

// The owner that a lock word names, as the waiter's pid namespace numbers it. ESRCH: no such thread, or it is past
// handing on its locks.
Result<TaskPtr> find_owner(const FutexWaiter& waiter, std::uint32_t word) {
  auto tree = waiter.task->kernel().tasks().lock();
  Task* owner = waiter.task->pid_namespace()->find(*tree, Pid{static_cast<std::int32_t>(owner_of(word))});
  if (owner == nullptr || owner->left_futexes.load()) return Errno(ESRCH);
  return owner->shared_from_this();
}

// One attempt on a lock that nobody owns. True: the waiter has it.
Result<bool> take_free_lock(const LockWord& word, std::uint32_t seen, std::uint32_t tid, bool others_wait) {
  const std::uint32_t taken = tid | (seen & FUTEX_OWNER_DIED) | (others_wait ? FUTEX_WAITERS : 0);
  return TRY(word.exchange(seen, taken)) == seen;
}

// Gives the waiter the lock (true), or puts it into the queue (false). EDEADLK: it has the lock already. EAGAIN: with
// `try_only`, somebody else has; or the word never stood still.
Result<bool> acquire_or_enqueue(Queues& queues, const FutexKey& key, FutexWaiter& waiter, bool try_only) {
  const LockWord word{waiter.memory->space(), waiter.lock_address};
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::uint32_t seen = TRY(word.load());
    if (owner_of(seen) == waiter.tid) return Errno(EDEADLK);
    if (owner_of(seen) == 0) {
      if (TRY(take_free_lock(word, seen, waiter.tid, find(queues, key) != nullptr))) return true;
      continue;
    }
    const TaskPtr owner = TRY(find_owner(waiter, seen));
    if (try_only) return Errno(EAGAIN);
    if ((seen & FUTEX_WAITERS) == 0 && TRY(word.exchange(seen, seen | FUTEX_WAITERS)) != seen) continue;
    enqueue(queues, waiter, key);
    queues[key].owner = owner;
    return false;
  }
  return Errno(EAGAIN);
}

// The first waiter of a queue that is not empty becomes the owner. `died`: the former one died owning the lock. EINVAL:
// it waits to be requeued, that is, for another lock.
Result<void> hand_on(Queues& queues, const FutexKey& key, bool died) {
  Queue& queue = queues[key];
  FutexWaiter& next = *queue.waiters.front();
  if (next.target) return Errno(EINVAL);
  const LockWord word{next.memory->space(), next.lock_address};
  const std::uint32_t owned = next.tid | FUTEX_WAITERS | (died ? FUTEX_OWNER_DIED : 0);
  std::uint32_t seen = TRY(word.load());
  for (int attempt = 0;; ++attempt) {
    const std::uint32_t found = TRY(word.exchange(seen, owned));
    if (found == seen) break;
    if (attempt == kMostAttempts) return Errno(EAGAIN);
    seen = found;
  }
  queue.owner = next.task;
  queue.waiters.pop_front();
  if (queue.waiters.empty()) queues.erase(key);
  give_lock(next);
  return {};
}

Result<void> unlock_without_waiters(const LockWord& word, std::uint32_t tid) {
  std::uint32_t seen = tid;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::uint32_t found = TRY(word.exchange(seen, 0));
    if (found == seen) return {};
    if (owner_of(found) != tid) return Errno(EPERM);
    seen = found;
  }
  return Errno(EAGAIN);
}

std::uint32_t own_tid(CurrentTask& task) { return static_cast<std::uint32_t>(raw(task.task().tid())); }

// Sleeps until the waiter owns the lock; otherwise takes it out of its queue. Success, ETIMEDOUT or kRestartSys.
Result<void> wait_for_lock(CurrentTask& task, FutexWaiter& waiter, const OptionalDeadline& deadline) {
  const auto owns = [&] { return waiter.owns.load(std::memory_order_acquire); };
  const Result<void> result = task.sleep_until(deadline, owns);
  if (result.ok()) return {};
  auto queues = task.kernel().futexes.queues().lock();
  if (owns()) return {};
  dequeue(*queues, waiter);
  return result;
}

}  // namespace

Result<void> futex_lock_pi(CurrentTask& task, FutexAddress futex, const OptionalDeadline& deadline, bool try_only) {
  const FutexKey key = TRY(key_of(task, futex));
  FutexWaiter waiter{task.task_ptr(), own_tid(task), task.memory_ptr(), futex.address};
  {
    auto queues = task.kernel().futexes.queues().lock();
    if (TRY(acquire_or_enqueue(*queues, key, waiter, try_only))) return {};
  }
  const Result<void> result = wait_for_lock(task, waiter, deadline);
  if (!result.ok() && result.error() == kRestartSys) return kRestartNoIntr;
  return result;
}

Result<void> futex_unlock_pi(CurrentTask& task, FutexAddress futex) {
  const FutexKey key = TRY(key_of(task, futex));
  const LockWord word{task.user_memory(), futex.address};
  auto queues = task.kernel().futexes.queues().lock();
  if (owner_of(TRY(word.load())) != own_tid(task)) return Errno(EPERM);
  if (find(*queues, key) != nullptr) return hand_on(*queues, key, false);
  return unlock_without_waiters(word, own_tid(task));
}

Result<void> futex_wait_requeue_pi(CurrentTask& task, FutexAddress from, std::uint32_t expected,
                                   const OptionalDeadline& deadline, FutexAddress to) {
  if (from.address == to.address) return Errno(EINVAL);
  const FutexKey key = TRY(key_of(task, from));
  FutexWaiter waiter{task.task_ptr(), own_tid(task), task.memory_ptr(), to.address};
  waiter.target = TRY(key_of(task, to));
  {
    auto queues = task.kernel().futexes.queues().lock();
    if (TRY(task.read(UserIn<std::uint32_t>{{from.address}})) != expected) return Errno(EAGAIN);
    enqueue(*queues, waiter, key);
  }
  const Result<void> result = wait_for_lock(task, waiter, deadline);
  if (result.ok() || result.error() != kRestartSys) return result;
  // Once it was moved to the lock, another wait would find that the first word has changed.
  if (!waiter.target) return Errno(EAGAIN);
  return kRestartNoIntr;
}

Result<long> futex_cmp_requeue_pi(CurrentTask& task, FutexAddress from, FutexAddress to, std::uint32_t expected,
                                  std::uint32_t requeue_limit) {
  if (from.address == to.address) return Errno(EINVAL);
  const FutexKey from_key = TRY(key_of(task, from));
  const FutexKey to_key = TRY(key_of(task, to));
  auto queues = task.kernel().futexes.queues().lock();
  if (TRY(task.read(UserIn<std::uint32_t>{{from.address}})) != expected) return Errno(EAGAIN);
  long moved = 0;
  // The first one may get the lock at once; it does not count against the limit.
  for (; moved <= requeue_limit; ++moved) {
    Queue* queue = find(*queues, from_key);
    if (queue == nullptr) break;
    FutexWaiter& waiter = *queue->waiters.front();
    if (!waiter.target || *waiter.target < to_key || to_key < *waiter.target) return Errno(EINVAL);
    dequeue(*queues, waiter);
    const Result<bool> acquired = acquire_or_enqueue(*queues, to_key, waiter, false);
    if (!acquired.ok()) {
      (*queues)[from_key].waiters.push_front(&waiter);
      if (moved != 0) break;
      return acquired.error();
    }
    waiter.target.reset();
    if (*acquired) give_lock(waiter);
  }
  return moved;
}

namespace {

// struct robust_list_head (linux/futex.h).
struct RobustListHead {
  std::uint64_t next = 0;
  std::int64_t futex_offset = 0;
  std::uint64_t pending = 0;
};

// Bit 0 of a list pointer marks PI locks.
struct RobustEntry {
  std::uint64_t pointer = 0;
  std::uint64_t address() const { return pointer & ~1ULL; }
  bool is_pi() const { return (pointer & 1) != 0; }
};

// What happens to one lock that the thread may have held. An error ends the walk.
Result<void> release_robust(CurrentTask& task, std::uint64_t address, bool is_pi, bool pending) {
  if (address % sizeof(std::uint32_t) != 0) return Errno(EINVAL);
  AddressSpace& space = task.user_memory();
  std::uint32_t seen = TRY(task.read(UserIn<std::uint32_t>{{address}}));
  // It died between unlocking and waking.
  if (pending && !is_pi && owner_of(seen) == 0) {
    (void)space.futex_wake(address, 1);
    return {};
  }
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    if (owner_of(seen) != own_tid(task)) return {};
    const std::uint32_t left = (seen & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    const std::uint32_t found = TRY(space.compare_exchange(address, seen, left));
    if (found == seen) break;
    seen = found;
  }
  // Waiters of PI locks are served by hand_on_pi_locks().
  if (!is_pi && (seen & FUTEX_WAITERS) != 0) (void)space.futex_wake(address, 1);
  return {};
}

Result<void> walk_robust_list(CurrentTask& task) {
  constexpr int kMostEntries = 2048;  // ROBUST_LIST_LIMIT
  const std::uint64_t head_address = task.robust_list.value;
  const RobustListHead head = TRY(task.read(UserIn<RobustListHead>{{head_address}}));
  const auto futex = [&](RobustEntry entry) { return entry.address() + static_cast<std::uint64_t>(head.futex_offset); };
  const RobustEntry pending{head.pending};
  RobustEntry entry{head.next};
  for (int count = 0; count < kMostEntries && entry.address() != head_address; ++count) {
    // Before the entry is released: then another thread may unlink it.
    const Result<std::uint64_t> next = task.read(UserIn<std::uint64_t>{{entry.address()}});
    if (entry.address() != pending.address()) TRY(release_robust(task, futex(entry), entry.is_pi(), false));
    if (!next.ok()) break;
    entry = {*next};
  }
  if (pending.address() != 0) TRY(release_robust(task, futex(pending), pending.is_pi(), true));
  return {};
}

// Waiters of PI locks that the thread holds get them, robust or not.
void hand_on_pi_locks(CurrentTask& task) {
  std::vector<FutexKey> owned;  // outlives the lock: what a key keeps alive must not end under it
  auto queues = task.kernel().futexes.queues().lock();
  if (task.ending()) task.task().left_futexes.store(true);
  for (const auto& [key, queue] : *queues)
    if (queue.owner.lock() == task.task_ptr()) owned.push_back(key);
  for (const FutexKey& key : owned) (void)hand_on(*queues, key, true);
}

}  // namespace

void exit_robust_list(CurrentTask& task) {
  if (task.robust_list) (void)walk_robust_list(task);
  task.robust_list = {};
  hand_on_pi_locks(task);
}

void clear_child_tid_at_exit(CurrentTask& task) {
  const UserAddress word = std::exchange(task.clear_child_tid, UserAddress{});
  // Nobody else can see memory that ends with this thread: only it and its Task refer to it.
  constexpr long kOwnReferences = 2;
  if (!word || task.memory_ptr().use_count() <= kOwnReferences) return;
  if (task.write(UserOut<int>{{word.value}}, 0).ok()) (void)task.user_memory().futex_wake(word.value, 1);
}

}  // namespace runsc
