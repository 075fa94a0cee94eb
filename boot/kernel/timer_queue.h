// The kernel's timers: one host thread that calls functions at their time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/deadline.h"

namespace runsc {

class TimerQueue;

// One timer. When it has been disarmed or destroyed its callback is not running and will not be called.
//
// disarm() and the destructor wait for a running callback: whoever calls them holds no lock that the callback takes. An
// owner that may be destroyed under such a lock has the callback first turn a weak_ptr to the owner into a shared_ptr,
// and do nothing if that fails.
class Timer {
 public:
  // `expire` is called on the timer thread without locks; it may arm the timer again, and may take any lock.
  Timer(TimerQueue& queue, std::function<void()> expire);
  ~Timer();  // disarms
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier deadline. Thread-safe, never waits: any lock below kTimer may be held.
  void arm(const Deadline& deadline);
  // As arm() for now, where locks above kTimer are held: in the notification of a wait queue.
  void expire_soon();
  // Waits for a running callback unless called from it.
  void disarm();
  // As disarm() without waiting: a callback that is under way goes on, and finds in its owner's state that it is stale.
  void cancel();

 private:
  friend class TimerQueue;
  TimerQueue& queue_;
  std::function<void()> expire_;
  // Guarded by the queue's lock.
  bool armed_ = false;
  Deadline deadline_;
  bool hurried_ = false;  // guarded by the lock of those that expire soon
};

// Thread-safe. start() begins its thread; the destructor ends it. All its timers must be gone by then.
class TimerQueue {
 public:
  TimerQueue();
  ~TimerQueue();
  // The error of the host when it has no thread or descriptor left. Timers armed before it expire after it.
  Result<void> start();
  // Called when the wall clock was set: CLOCK_REALTIME timers are looked at again. (The thread also notices by itself:
  // the host moves absolute timers with the clock.)
  void clock_changed();

 private:
  friend class Timer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runsc
