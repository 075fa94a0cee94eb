// System V semaphores.
#include <sys/sem.h>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"
#include "boot/syscalls/sysv_common.h"

namespace runsc {
namespace {

constexpr int kStatAny = 20;  // SEM_STAT_ANY

Result<long> blocking_operations(CurrentTask& task, Semaphores& semaphores, SemaphoreSet& set,
                                 const Semaphores::Request& request, const OptionalDeadline& deadline) {
  auto outcome = semaphores.try_operations(set, request);
  while (outcome.ok() && outcome->has_value()) {
    const SemaphoreSet::Blocked blocked = **outcome;
    const auto place = semaphores.begin_waiting(set, blocked);
    const auto waited = task.wait(set.changed, POLLIN, deadline, [&] {
      outcome = semaphores.try_operations(set, request);
      // Blocked elsewhere now: counted there.
      return !outcome.ok() || !outcome->has_value() || (*outcome)->number != blocked.number ||
             (*outcome)->for_zero != blocked.for_zero;
    });
    semaphores.end_waiting(set, place);
    if (!waited.ok()) return waited.error() == Errno(ETIMEDOUT) ? Errno(EAGAIN) : Errno(EINTR);
  }
  if (!outcome.ok()) return outcome.error();
  return 0;
}

Result<long> operate(CurrentTask& task, int id, UserIn<sembuf> where, std::size_t count, UserIn<timespec> timeout) {
  if (count == 0 || id < 0) return Errno(EINVAL);
  if (count > kSemMaxOperations) return Errno(E2BIG);
  const auto operations = TRY(task.read_array(where, count));
  const OptionalDeadline deadline = TRY(read_timeout(task, timeout));
  const auto ipc = TRY(ipc_of(task));
  const SemaphoreSetPtr set = TRY(ipc->semaphores.find(id));
  const CredentialsPtr credentials = task.credentials();
  return blocking_operations(task, ipc->semaphores, *set, {operations, *credentials, &task.group(), caller_pid(task)},
                             deadline);
}

Result<long> all_values(CurrentTask& task, Semaphores& semaphores, int id, int command, std::uint64_t argument) {
  const Credentials& credentials = *task.credentials();
  if (command == GETALL) {
    const auto values = TRY(semaphores.values(id, credentials));
    TRY(task.write_array(UserOut<unsigned short>{{argument}}, std::span<const unsigned short>(values)));
    return 0;
  }
  const std::size_t count = TRY(semaphores.count(id, credentials));
  const auto values = TRY(task.read_array(UserIn<unsigned short>{{argument}}, count));
  TRY(semaphores.set_values(id, values, credentials, caller_pid(task)));
  return 0;
}

Result<long> limits_and_usage(CurrentTask& task, Semaphores& semaphores, int command, std::uint64_t argument) {
  const Semaphores::Usage usage = semaphores.usage();
  seminfo info{};
  info.semmni = kSemMaxSets;
  info.semmns = kSemMaxSets * kSemMaxPerSet;
  info.semmsl = kSemMaxPerSet;
  info.semopm = kSemMaxOperations;
  info.semvmx = info.semaem = kSemMaxValue;
  info.semusz = command == SEM_INFO ? usage.sets : 20;
  if (command == SEM_INFO) info.semaem = usage.semaphores;
  TRY(task.write(UserOut<seminfo>{{argument}}, info));
  return usage.highest_index;
}

Result<long> status(CurrentTask& task, Semaphores& semaphores, int id, int command, std::uint64_t argument) {
  const auto [found, abi] = TRY(semaphores.status(id, command != IPC_STAT, command == kStatAny, *task.credentials()));
  TRY(task.write(UserOut<semid_ds>{{argument}}, abi));
  return command == IPC_STAT ? 0 : found;
}

}  // namespace

Result<long> sys_semget(CurrentTask& task, int key, int count, int flags) {
  return static_cast<long>(TRY(TRY(ipc_of(task))->semaphores.get(*task.credentials(), key, count, flags)));
}

Result<long> sys_semop(CurrentTask& task, int id, UserIn<struct sembuf> operations, std::size_t count) {
  return operate(task, id, operations, count, {});
}

Result<long> sys_semtimedop(CurrentTask& task, int id, UserIn<struct sembuf> operations, std::size_t count,
                            UserIn<struct timespec> timeout) {
  return operate(task, id, operations, count, timeout);
}

Result<long> sys_semctl(CurrentTask& task, int id, int number, int command, std::uint64_t argument) {
  const auto ipc = TRY(ipc_of(task));
  Semaphores& semaphores = ipc->semaphores;
  const Credentials& credentials = *task.credentials();
  if (id < 0) return Errno(EINVAL);
  switch (command) {
    case IPC_INFO:
    case SEM_INFO:
      return limits_and_usage(task, semaphores, command, argument);
    case IPC_STAT:
    case SEM_STAT:
    case kStatAny:
      return status(task, semaphores, id, command, argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
      return static_cast<long>(TRY(semaphores.value(id, number, command, credentials)));
    case SETVAL:
      TRY(semaphores.set_value(id, number, static_cast<int>(argument), credentials, caller_pid(task)));
      return 0;
    case GETALL:
    case SETALL:
      return all_values(task, semaphores, id, command, argument);
    case IPC_SET:
      TRY(semaphores.change(id, credentials, TRY(task.read(UserIn<semid_ds>{{argument}})).sem_perm));
      return 0;
    case IPC_RMID:
      TRY(semaphores.remove(id, credentials));
      return 0;
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
