// Mutexes with a level, and data that can be reached only through its lock.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "boot/base/lock_annotations.h"
#include "boot/base/lock_levels.h"

namespace runsc {

#ifdef NDEBUG
inline void note_lock_taken(LockLevel, const void*) {}
inline void note_lock_released(LockLevel, const void*) {}
inline void note_guarded_use(bool) {}
#else
// Aborts with both levels' numbers when the order of lock_levels.h is broken.
void note_lock_taken(LockLevel level, const void* lock);
void note_lock_released(LockLevel level, const void* lock);
// Aborts when a guarded value is used without its lock: an Access after its unlock().
void note_guarded_use(bool locked);
#endif

// A std::mutex (BasicLockable and Lockable) that knows its level.
// Two locks of one level may be held together only where lock_levels.h says so.
template <LockLevel kLevel>
class LOCKABLE Mutex {
 public:
  void lock() ACQUIRES() NO_LOCK_ANALYSIS {
    note_lock_taken(kLevel, this);
    mutex_.lock();
  }
  bool try_lock() TRY_ACQUIRES(true) NO_LOCK_ANALYSIS {
    if (!mutex_.try_lock()) return false;
    note_lock_taken(kLevel, this);
    return true;
  }
  void unlock() RELEASES() NO_LOCK_ANALYSIS {
    mutex_.unlock();
    note_lock_released(kLevel, this);
  }

 private:
  std::mutex mutex_;
};

// A value that is reachable only while its lock is held:
//   Guarded<State, LockLevel::kPipe> state_;
//   auto state = state_.lock();  state->bytes += n;
template <typename T, LockLevel kLevel>
class LOCKABLE Guarded {
 public:
  class SCOPED_LOCKABLE Access {
   public:
    Access(Mutex<kLevel>& mutex, T& value) : lock_(mutex), value_(&value) {}
    Access(Access&&) = default;
    ~Access() RELEASES() {}
    T* operator->() { return get(); }
    T& operator*() { return *get(); }
    // Before the end of its scope: what is locked here must not be held while what follows is done.
    void unlock() RELEASES() { lock_.unlock(); }
    void relock() ACQUIRES() { lock_.lock(); }
    // For condition variables.
    std::unique_lock<Mutex<kLevel>>& underlying() { return lock_; }

   private:
    T* get() {
      note_guarded_use(lock_.owns_lock());
      return value_;
    }

    std::unique_lock<Mutex<kLevel>> lock_;
    T* value_;
  };

  template <typename... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  Access lock() const ACQUIRES() NO_LOCK_ANALYSIS { return Access(mutex_, value_); }

 private:
  mutable Mutex<kLevel> mutex_;
  mutable T value_;
};

}  // namespace runsc
