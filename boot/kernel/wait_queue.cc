#include "boot/kernel/wait_queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace runsc {

void WaitQueue::insert(Entry entry) {
  auto entries = entries_.lock();
  entry.mask |= kAlwaysReported;
  entries->push_back(std::move(entry));
  count_.store(entries->size(), std::memory_order_seq_cst);
}

void WaitQueue::add(Waiter& waiter, EventMask mask) { insert({&waiter, mask, false, nullptr}); }

void WaitQueue::add_exclusive(Waiter& waiter, EventMask mask) { insert({&waiter, mask, true, nullptr}); }

void WaitQueue::add_owned(std::shared_ptr<Waiter> waiter, EventMask mask, bool exclusive) {
  Waiter* const address = waiter.get();
  insert({address, mask, exclusive, std::move(waiter)});
}

void WaitQueue::remove(Waiter& waiter) {
  std::shared_ptr<Waiter> owner;  // ends after the lock is released
  auto entries = entries_.lock();
  const auto it = std::find_if(entries->begin(), entries->end(), [&](const Entry& e) { return e.waiter == &waiter; });
  if (it == entries->end()) return;
  owner = std::move(it->owner);
  entries->erase(it);
  count_.store(entries->size(), std::memory_order_seq_cst);
}

void WaitQueue::notify(EventMask events) {
  // Pairs with the store in insert(): who adds itself and then finds nothing ready is seen by the one that made it
  // ready. A read-modify-write instead of a fence and a load, because ThreadSanitizer does not know fences.
  if (count_.fetch_add(0, std::memory_order_seq_cst) == 0) return;
  std::vector<std::shared_ptr<Waiter>> expired;  // ends after the lock is released
  auto entries = entries_.lock();
  bool exclusive_told = false;
  for (const Entry& entry : *entries) {
    if ((entry.mask & events) == 0 || (entry.exclusive && exclusive_told)) continue;
    entry.waiter->notify(events);
    exclusive_told |= entry.exclusive;
  }
  std::erase_if(*entries, [&](Entry& entry) {
    if (entry.owner == nullptr || !entry.owner->expired()) return false;
    expired.push_back(std::move(entry.owner));
    return true;
  });
  count_.store(entries->size(), std::memory_order_seq_cst);
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
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word_), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr,
            0);
}

}  // namespace runsc
