#include "boot/kernel/wait_queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace runsc {

void WaitQueue::add(Waiter& waiter, EventMask mask) {
  auto entries = entries_.lock();
  entries->push_back({&waiter, mask | kAlwaysReported, false});
  count_.store(entries->size(), std::memory_order_seq_cst);
}

void WaitQueue::add_exclusive(Waiter& waiter, EventMask mask) {
  auto entries = entries_.lock();
  entries->push_back({&waiter, mask | kAlwaysReported, true});
  count_.store(entries->size(), std::memory_order_seq_cst);
}

void WaitQueue::remove(Waiter& waiter) {
  auto entries = entries_.lock();
  const auto it = std::find_if(entries->begin(), entries->end(), [&](const Entry& e) { return e.waiter == &waiter; });
  if (it != entries->end()) entries->erase(it);
  count_.store(entries->size(), std::memory_order_seq_cst);
}

void WaitQueue::notify(EventMask events) {
  // Pairs with the store in add(): who adds itself and then finds nothing ready is seen by the one that made it ready.
  // A read-modify-write instead of a fence and a load, because ThreadSanitizer does not know fences.
  if (count_.fetch_add(0, std::memory_order_seq_cst) == 0) return;
  auto entries = entries_.lock();
  for (const Entry& entry : *entries) {
    if ((entry.mask & events) == 0) continue;
    entry.waiter->notify(events);
    if (entry.exclusive) return;
  }
}

Result<void> Sleeper::sleep(std::uint32_t ticket, const OptionalDeadline& deadline) {
  const bool realtime = deadline && deadline->clock == CLOCK_REALTIME;
  const int operation = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | (realtime ? FUTEX_CLOCK_REALTIME : 0);
  timespec until{};
  if (deadline) until = to_timespec(std::max<std::int64_t>(deadline->at_ns, 0));
  const long status = ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word_), operation, ticket,
                                deadline ? &until : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
  if (status != 0 && errno == ETIMEDOUT) return Errno(ETIMEDOUT);
  return {};
}

void Sleeper::wake() {
  word_.fetch_add(1, std::memory_order_seq_cst);
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word_), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
}

}  // namespace runsc
