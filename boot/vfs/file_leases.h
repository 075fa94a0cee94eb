// Leases of fcntl(2), F_SETLEASE: whoever holds one is told before somebody opens or truncates the file in a way that
// conflicts with it, and has some time to give it up.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/deadline.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

class FileDescription;
class Inode;
struct WalkContext;

// Those of one inode. Thread-safe.
class FileLeases {
 public:
  bool empty() const { return count_.load() == 0; }

  // F_SETLEASE with F_RDLCK or F_WRLCK: a new lease of `file`, or another type of the one that it has. `tell` sends the
  // signal when the lease must go; it is called without locks. EAGAIN: the file is open in a way that conflicts, or a
  // lease of another file is.
  Result<void> set(const FileDescription& file, Inode& inode, int type, std::function<void()> tell);
  // F_UNLCK, or the end of the file. False: there was none.
  bool remove(const FileDescription& file);
  // F_GETLEASE: what it holds, or what it must come down to.
  int type(const FileDescription& file) const;

  // Before an open (`for_write`: or a truncation) that conflicts with leases. Asks their holders to go, who have until
  // `deadline`. Returns whether there is anything to wait for.
  bool begin_break(bool for_write, const OptionalDeadline& deadline);
  // Whether the opener still has to wait. Takes leases away whose time is over.
  bool conflicts(bool for_write);
  // When the first of them is taken away. Empty: never.
  OptionalDeadline next_deadline() const;
  WaitQueue& queue() { return queue_; }

 private:
  struct Lease {
    const FileDescription* file;
    int type;
    std::function<void()> tell;
    bool breaking = false;
    int target = 0;  // what it must become: F_UNLCK or F_RDLCK
    OptionalDeadline deadline{};
  };
  using Leases = std::vector<Lease>;
  Result<void> set_locked(Leases& leases, const FileDescription& file, Inode& inode, int type,
                          std::function<void()> tell);
  static bool is_conflict(const Lease& lease, bool for_write);
  Lease* find(Leases& leases, const FileDescription& file) const;

  mutable Guarded<Leases, LockLevel::kLeaf> leases_;
  std::atomic<std::size_t> count_{0};
  WaitQueue queue_;
};

// Asks the holders of conflicting leases to go and waits until they have gone or their time is over. EWOULDBLOCK:
// `nonblocking`, or nobody is there who could wait. ERESTARTSYS.
Result<void> break_leases(const WalkContext& context, Inode& inode, bool for_write, bool nonblocking);

}  // namespace runsc
