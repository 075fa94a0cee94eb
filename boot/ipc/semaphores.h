// System V semaphores (semop(2)).
#pragma once

#include <sys/sem.h>

#include <list>
#include <optional>
#include <span>
#include <vector>

#include "boot/base/lock.h"
#include "boot/ipc/ipc_object.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

class ThreadGroup;

// Limits as Linux has them (proc(5), /proc/sys/kernel/sem).
inline constexpr int kSemMaxPerSet = 32000;        // SEMMSL
inline constexpr std::size_t kSemMaxSets = 32000;  // SEMMNI
inline constexpr std::size_t kSemMaxOperations = 500;
inline constexpr int kSemMaxValue = 32767;

// One set. Guarded by the lock of its table but for `changed`.
struct SemaphoreSet {
  struct Semaphore {
    int value = 0;
    int pid = 0;  // of the last operation, as its namespace numbers it
  };
  // A task that is blocked on `number`: for zero, or for more.
  struct Blocked {
    unsigned short number;
    bool for_zero;
  };

  IpcPermissions permissions;
  std::vector<Semaphore> semaphores;
  std::list<Blocked> blocked;
  std::int64_t operated = 0, changed_at = 0;  // times
  bool removed = false;
  WaitQueue changed;  // notified after every change of a value, and at the removal
};
using SemaphoreSetPtr = std::shared_ptr<SemaphoreSet>;

// Thread-safe.
class Semaphores {
 public:
  // semget(2).
  Result<int> get(const Credentials& credentials, key_t key, int count, int flags);
  Result<SemaphoreSetPtr> find(int id) const { return state_.lock()->table.get(id); }

  // What semop(2) asks for, by whom.
  struct Request {
    std::span<const sembuf> operations;
    const Credentials& credentials;
    ThreadGroup* group;  // for SEM_UNDO
    int pid;             // of the caller
  };
  // All of the operations, or none. Nothing: done. Otherwise where it would have to wait. EAGAIN: it must not
  // (IPC_NOWAIT); EFBIG, EACCES, ERANGE; EIDRM: the set was removed.
  Result<std::optional<SemaphoreSet::Blocked>> try_operations(SemaphoreSet& set, const Request& request);

  // For GETNCNT and GETZCNT: a waiter's place, as long as it waits.
  using Place = std::list<SemaphoreSet::Blocked>::iterator;
  Place begin_waiting(SemaphoreSet& set, const SemaphoreSet::Blocked& blocked);
  void end_waiting(SemaphoreSet& set, Place place);

  // semctl(2), by command. `index`: ids are positions (SEM_STAT).
  Result<void> remove(int id, const Credentials& credentials);
  Result<void> change(int id, const Credentials& credentials, const ipc_perm& wanted);
  Result<std::pair<int, semid_ds>> status(int id, bool index, bool any, const Credentials& credentials) const;
  Result<int> value(int id, int number, int command, const Credentials& credentials) const;  // GETVAL, GETPID ..
  Result<std::vector<unsigned short>> values(int id, const Credentials& credentials) const;
  Result<void> set_value(int id, int number, int value, const Credentials& credentials, int pid);
  Result<std::size_t> count(int id, const Credentials& credentials) const;  // how many values SETALL takes
  Result<void> set_values(int id, std::span<const unsigned short> values, const Credentials& credentials, int pid);
  struct Usage {
    int sets = 0, semaphores = 0, highest_index = 0;
  };
  Usage usage() const;

  // At the end of a process: takes its SEM_UNDO operations back.
  void undo_all(ThreadGroup& group);

 private:
  using Adjustments = std::map<std::pair<SemaphoreSetPtr, unsigned short>, int>;
  struct State {
    IpcTable<SemaphoreSet> table;
    std::map<ThreadGroup*, Adjustments> undo;
  };
  static void forget_undo(State& state, const SemaphoreSetPtr& set, std::optional<unsigned short> number);
  static Result<SemaphoreSetPtr> checked(const State& state, int id, const Credentials& credentials, int access);

  Guarded<State, LockLevel::kIpc> state_;
};

}  // namespace runsc
