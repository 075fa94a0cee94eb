#include "boot/vfs/file_locks.h"

#include <algorithm>
#include <set>

namespace runsc {
namespace {

// What remains of `old` outside [lock.start, lock.end].
void keep_outside(const RecordLock& old, const RecordLock& lock, std::vector<RecordLock>& kept) {
  if (old.start < lock.start) {
    kept.push_back(old);
    kept.back().end = lock.start - 1;
  }
  if (old.end > lock.end) {
    kept.push_back(old);
    kept.back().start = lock.end + 1;
  }
}

// Joins a new lock with the owner's adjacent or overlapping locks of the same type, as F_GETLK shows them.
void absorb_neighbours(RecordLock& lock, std::vector<RecordLock>& records) {
  for (auto it = records.begin(); it != records.end();) {
    const bool touches = it->start <= (lock.end == RecordLock::kToEof ? lock.end : lock.end + 1) &&
                         lock.start <= (it->end == RecordLock::kToEof ? it->end : it->end + 1);
    if (it->owner == lock.owner && it->type == lock.type && touches) {
      lock.start = std::min(lock.start, it->start);
      lock.end = std::max(lock.end, it->end);
      it = records.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace

const RecordLock* FileLocks::find_conflict(const State& state, const RecordLock& probe) {
  const auto it = std::find_if(state.records.begin(), state.records.end(),
                               [&](const RecordLock& held) { return held.conflicts(probe); });
  return it == state.records.end() ? nullptr : &*it;
}

Result<void> FileLocks::set(const RecordLock& lock) {
  bool released = false;
  {
    auto state = state_.lock();
    if (lock.type != LockType::kUnlock && find_conflict(*state, lock) != nullptr) return Errno(EAGAIN);
    std::vector<RecordLock> kept;
    for (const RecordLock& old : state->records) {
      if (old.owner == lock.owner && old.overlaps(lock)) {
        released = released || lock.type == LockType::kUnlock || old.type == LockType::kWrite;
        keep_outside(old, lock, kept);
      } else {
        kept.push_back(old);
      }
    }
    if (lock.type != LockType::kUnlock) {
      RecordLock joined = lock;
      absorb_neighbours(joined, kept);
      kept.push_back(joined);
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const RecordLock& a, const RecordLock& b) { return a.start < b.start; });
    state->records = std::move(kept);
  }
  if (released) wait_queue_.notify(POLLIN);
  return {};
}

std::optional<RecordLock> FileLocks::conflict(const RecordLock& probe) const {
  auto state = state_.lock();
  const RecordLock* found = find_conflict(*state, probe);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

void FileLocks::release_records(LockOwner owner) {
  const std::size_t removed =
      std::erase_if(state_.lock()->records, [&](const RecordLock& lock) { return lock.owner == owner; });
  if (removed != 0) wait_queue_.notify(POLLIN);
}

Result<void> FileLocks::flock(const void* description, LockType type) {
  bool released = false;
  bool conflict = false;
  {
    auto state = state_.lock();
    auto& flocks = state->flocks;
    const auto mine =
        std::find_if(flocks.begin(), flocks.end(), [&](const Flock& lock) { return lock.description == description; });
    if (mine != flocks.end()) {
      if (mine->type == type) return {};
      flocks.erase(mine);
      released = true;
    }
    if (type != LockType::kUnlock) {
      conflict = std::any_of(flocks.begin(), flocks.end(), [&](const Flock& lock) {
        return type == LockType::kWrite || lock.type == LockType::kWrite;
      });
      if (!conflict) flocks.push_back({description, type});
    }
  }
  if (released) wait_queue_.notify(POLLIN);
  if (conflict) return Errno(EAGAIN);
  return {};
}

bool LockWaits::reaches(const State& state, LockOwner from, LockOwner to) {
  std::set<LockOwner> seen;
  std::vector<LockOwner> queue{from};
  while (!queue.empty()) {
    const LockOwner at = queue.back();
    queue.pop_back();
    if (at == to) return true;
    if (!seen.insert(at).second) continue;
    for (const auto& [key, edge] : state.edges)
      if (edge.waiter == at) queue.push_back(edge.holder);
  }
  return false;
}

Result<LockWaits::Wait> LockWaits::begin(LockOwner waiter, LockOwner holder) {
  if (waiter.ofd) return Wait(nullptr, 0);
  auto state = state_.lock();
  if (reaches(*state, holder, waiter)) return Errno(EDEADLK);
  const std::uint64_t key = state->next++;
  state->edges.emplace(key, Edge{waiter, holder});
  return Wait(this, key);
}

LockWaits::Wait::~Wait() {
  if (waits_ != nullptr) waits_->state_.lock()->edges.erase(key_);
}

}  // namespace runsc
