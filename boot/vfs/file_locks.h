// The advisory locks of one inode: flock(2), and the record locks of fcntl(2) (POSIX and open file description ones).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

enum class LockType { kRead, kWrite, kUnlock };

// Who holds a record lock: a descriptor table (POSIX; released when the process closes any descriptor of the file) or
// an open file description (OFD). Only compared, never dereferenced.
struct LockOwner {
  const void* id = nullptr;
  bool ofd = false;
  friend auto operator<=>(const LockOwner&, const LockOwner&) = default;
};

// Bytes [start, end], end included; an end of kToEof reaches past every end of file.
struct RecordLock {
  static constexpr std::uint64_t kToEof = 0x7fffffffffffffff;
  LockType type = LockType::kRead;
  std::uint64_t start = 0;
  std::uint64_t end = kToEof;
  LockOwner owner;
  int pid = -1;  // what F_GETLK reports; -1 for OFD locks

  bool overlaps(const RecordLock& other) const { return start <= other.end && other.start <= end; }
  bool conflicts(const RecordLock& other) const {
    return owner != other.owner && overlaps(other) && (type == LockType::kWrite || other.type == LockType::kWrite);
  }
};

// Thread-safe. Nothing blocks: EAGAIN, and wait_queue() is notified (POLLIN) whenever a lock was given up.
class FileLocks {
 public:
  // Sets, converts or (kUnlock) removes the lock on its range; parts of the owner's old locks outside it stay.
  // EAGAIN: another owner's lock is in the way.
  Result<void> set(const RecordLock& lock);
  // A lock that keeps `probe` from being set.
  std::optional<RecordLock> conflict(const RecordLock& probe) const;
  void release_records(LockOwner owner);

  // flock(2) of an open file description. A conversion gives the old lock up first, as Linux does. EAGAIN.
  Result<void> flock(const void* description, LockType type);

  WaitQueue& wait_queue() { return wait_queue_; }

  // For /proc/locks and tests: all record locks in order of their start.
  std::vector<RecordLock> records() const { return state_.lock()->records; }

 private:
  struct Flock {
    const void* description;
    LockType type;
  };
  struct State {
    std::vector<RecordLock> records;  // by start
    std::vector<Flock> flocks;
  };
  static const RecordLock* find_conflict(const State& state, const RecordLock& probe);

  Guarded<State, LockLevel::kLeaf> state_;
  WaitQueue wait_queue_;
};

// Which owners of POSIX locks wait for which others, to refuse waits that would never end. Thread-safe.
class LockWaits {
 public:
  // Registers that `waiter` waits for `holder`, for as long as the object lives. EDEADLK: the holder waits, directly or
  // not, for the waiter. OFD owners are not checked, as in Linux.
  class Wait {
   public:
    Wait(Wait&& other) noexcept : waits_(std::exchange(other.waits_, nullptr)), key_(other.key_) {}
    Wait(const Wait&) = delete;
    ~Wait();

   private:
    friend class LockWaits;
    Wait(LockWaits* waits, std::uint64_t key) : waits_(waits), key_(key) {}
    LockWaits* waits_;
    std::uint64_t key_;
  };
  Result<Wait> begin(LockOwner waiter, LockOwner holder);

 private:
  struct Edge {
    LockOwner waiter, holder;
  };
  struct State {
    std::map<std::uint64_t, Edge> edges;
    std::uint64_t next = 0;
  };
  static bool reaches(const State& state, LockOwner from, LockOwner to);

  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
