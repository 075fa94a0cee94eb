// The kernel's timers: one host thread that calls functions at their time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "boot/base/lock.h"
#include "boot/kernel/deadline.h"

namespace runsc {

class TimerQueue;

// One timer. Its owner must call disarm() before it ends; then the callback is not running and will not be called.
class Timer {
 public:
  // `expire` is called on the timer thread without locks; it may arm the timer again, and may take any lock.
  Timer(TimerQueue& queue, std::function<void()> expire);
  ~Timer();  // disarms
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier deadline. Thread-safe.
  void arm(const Deadline& deadline);
  // Waits for a running callback unless called from it.
  void disarm();

 private:
  friend class TimerQueue;
  TimerQueue& queue_;
  std::function<void()> expire_;
  // Guarded by the queue's lock.
  bool armed_ = false;
  Deadline deadline_;
};

// Thread-safe. start() begins its thread; the destructor ends it.
class TimerQueue {
 public:
  TimerQueue();
  ~TimerQueue();
  void start();
  // Called when the wall clock was set: CLOCK_REALTIME timers are looked at again. (The thread also notices by itself.)
  void clock_changed();

 private:
  friend class Timer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runsc
