#include "boot/base/lock.h"

#ifndef NDEBUG

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace runsc {
namespace {

struct Held {
  LockLevel level;
  const void* lock;
};

// Thread-local rather than reachable from an object: a check of the whole thread needs the whole thread's locks.
thread_local std::vector<Held> held_locks;

bool same_level_allowed(LockLevel level) {
  return level == LockLevel::kDirectory || level == LockLevel::kOverlay || level == LockLevel::kInode ||
         level == LockLevel::kDentry || level == LockLevel::kEpoll || level == LockLevel::kSocket ||
         level == LockLevel::kPipe || level == LockLevel::kWaitQueue;
}

}  // namespace

void note_lock_taken(LockLevel level, const void* lock) {
  for (const Held& held : held_locks) {
    if (held.level < level || (held.level == level && held.lock != lock && same_level_allowed(level))) continue;
    std::fprintf(stderr, "lock order: level %d taken while level %d is held\n", static_cast<int>(level),
                 static_cast<int>(held.level));
    std::abort();
  }
  held_locks.push_back({level, lock});
}

void note_lock_released(LockLevel level, const void* lock) {
  auto it = std::find_if(held_locks.rbegin(), held_locks.rend(),
                         [&](const Held& held) { return held.level == level && held.lock == lock; });
  if (it != held_locks.rend()) held_locks.erase(std::next(it).base());
}

void note_guarded_use(bool locked) {
  if (locked) return;
  std::fprintf(stderr, "a guarded value is used without its lock\n");
  std::abort();
}

}  // namespace runsc

#endif
