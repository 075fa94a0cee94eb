// Wait queues: how an object tells the tasks and epoll instances that wait for it that something changed.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/deadline.h"

namespace runsc {

// POLLIN, POLLOUT ... of poll(2); the same values are EPOLLIN .. of epoll_ctl(2).
using EventMask = std::uint32_t;
inline constexpr EventMask kAlwaysReported = POLLERR | POLLHUP;
inline constexpr EventMask kAllEvents = ~0U;

// Something to call when a queue is notified.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Called with the queue's lock held: sets a flag, wakes a sleeper, nothing that takes a lock below kWaitQueue.
  virtual void notify(EventMask events) = 0;
  // Of a waiter that a queue owns: it has no use for notifications any more. Called with the queue's lock held.
  virtual bool expired() const { return false; }
};

// The waiters of one object. Thread-safe.
class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  // `waiter` hears of events in `mask` (and always of POLLERR and POLLHUP) until removed; it is borrowed.
  void add(Waiter& waiter, EventMask mask);
  // As add(), but at most one exclusive waiter hears of each notification (EPOLLEXCLUSIVE, flock, accept); the others
  // hear of all of them.
  void add_exclusive(Waiter& waiter, EventMask mask);
  // The queue keeps `waiter` alive until it is removed, or has expired and the next notification finds it so. For
  // waiters that may not know whether the queue still exists: an epoll item whose file was closed.
  void add_owned(std::shared_ptr<Waiter> waiter, EventMask mask, bool exclusive);
  // After it returns, no call of waiter.notify() is under way or will come.
  void remove(Waiter& waiter);
  void notify(EventMask events);
  bool has_waiters() const { return count_.load(std::memory_order_acquire) != 0; }

 private:
  struct Entry {
    Waiter* waiter;
    EventMask mask;
    bool exclusive;
    std::shared_ptr<Waiter> owner;
  };
  void insert(Entry entry);

  Guarded<std::vector<Entry>, LockLevel::kWaitQueue> entries_;
  // Lets notify() on an object that nobody waits for cost one load.
  std::atomic<std::size_t> count_{0};
};

// What one task thread sleeps on. Any thread may wake it; only its owner sleeps. An eventcount over a host futex:
//   for (;;) { auto ticket = sleeper.prepare(); if (condition) break; sleeper.sleep(ticket, deadline); }
// loses no wake-up that happens after prepare().
class Sleeper : public Waiter {
 public:
  std::uint32_t prepare() const { return word_.load(std::memory_order_seq_cst); }
  // Returns at once when wake() was called since `ticket` was taken. ETIMEDOUT when the deadline passed; success may be
  // spurious.
  Result<void> sleep(std::uint32_t ticket, const OptionalDeadline& deadline);
  void wake();
  void notify(EventMask) override { wake(); }

 private:
  std::atomic<std::uint32_t> word_{0};
};

// Registers a waiter for as long as it lives.
class ScopedWait {
 public:
  ScopedWait(WaitQueue& queue, Waiter& waiter, EventMask mask) : queue_(queue), waiter_(waiter) {
    queue_.add(waiter, mask);
  }
  ~ScopedWait() { queue_.remove(waiter_); }
  ScopedWait(const ScopedWait&) = delete;
  ScopedWait& operator=(const ScopedWait&) = delete;

 private:
  WaitQueue& queue_;
  Waiter& waiter_;
};

}  // namespace runsc
