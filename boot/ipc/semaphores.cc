#include "boot/ipc/semaphores.h"

#include <algorithm>

namespace runsc {
namespace {

// What an attempt would leave behind: applied only when all operations pass.
struct Attempt {
  std::map<unsigned short, int> values;
  std::map<unsigned short, int> undo;
};

enum class Outcome { kPassed, kBlocks, kOutOfRange };

Outcome step(const SemaphoreSet& set, const sembuf& operation, Attempt& attempt) {
  const auto place = attempt.values.try_emplace(operation.sem_num, set.semaphores[operation.sem_num].value).first;
  const int after = place->second + operation.sem_op;
  if (operation.sem_op == 0) return place->second == 0 ? Outcome::kPassed : Outcome::kBlocks;
  if (after < 0) return Outcome::kBlocks;
  if (after > kSemMaxValue) return Outcome::kOutOfRange;
  place->second = after;
  if ((operation.sem_flg & SEM_UNDO) != 0) attempt.undo[operation.sem_num] -= operation.sem_op;
  return Outcome::kPassed;
}

}  // namespace

Result<int> Semaphores::get(const Credentials& credentials, key_t key, int count, int flags) {
  if (count < 0 || count > kSemMaxPerSet) return Errno(EINVAL);
  auto state = state_.lock();
  const auto fits = [&](const SemaphoreSet& set) -> Result<void> {
    if (static_cast<std::size_t>(count) > set.semaphores.size()) return Errno(EINVAL);
    return {};
  };
  return get_or_make(state->table, credentials, key, flags, kSemMaxSets, fits, [&]() -> Result<SemaphoreSetPtr> {
    if (count == 0) return Errno(EINVAL);
    auto set = std::make_shared<SemaphoreSet>();
    set->semaphores.resize(count);
    set->changed_at = ipc_time();
    return set;
  });
}

Result<SemaphoreSetPtr> Semaphores::checked(const State& state, int id, const Credentials& credentials, int access) {
  SemaphoreSetPtr set = TRY(state.table.get(id));
  TRY(set->permissions.check(credentials, access));
  return set;
}

Result<std::optional<SemaphoreSet::Blocked>> Semaphores::try_operations(SemaphoreSet& set, const Request& request) {
  auto state = state_.lock();
  if (set.removed) return Errno(EIDRM);
  const auto alters = [](const sembuf& operation) { return operation.sem_op != 0; };
  for (const sembuf& operation : request.operations)
    if (operation.sem_num >= set.semaphores.size()) return Errno(EFBIG);
  const bool writes = std::any_of(request.operations.begin(), request.operations.end(), alters);
  TRY(set.permissions.check(request.credentials, writes ? kIpcWrite : kIpcRead));

  Attempt attempt;
  for (const sembuf& operation : request.operations) {
    const Outcome outcome = step(set, operation, attempt);
    if (outcome == Outcome::kOutOfRange) return Errno(ERANGE);
    if (outcome == Outcome::kPassed) continue;
    if ((operation.sem_flg & IPC_NOWAIT) != 0) return Errno(EAGAIN);
    return std::optional(SemaphoreSet::Blocked{operation.sem_num, operation.sem_op == 0});
  }
  for (const auto& [number, value] : attempt.values) set.semaphores[number] = {value, request.pid};
  set.operated = ipc_time();
  if (!attempt.undo.empty()) {
    Adjustments& adjustments = state->undo[request.group];
    for (const auto& [id, known] : state->table.all()) {
      if (known.get() != &set) continue;
      for (const auto& [number, delta] : attempt.undo) adjustments[{known, number}] += delta;
    }
  }
  state.unlock();
  if (writes) set.changed.notify(POLLIN);
  return std::optional<SemaphoreSet::Blocked>();
}

Semaphores::Place Semaphores::begin_waiting(SemaphoreSet& set, const SemaphoreSet::Blocked& blocked) {
  auto state = state_.lock();
  return set.blocked.insert(set.blocked.end(), blocked);
}

void Semaphores::end_waiting(SemaphoreSet& set, Place place) {
  auto state = state_.lock();
  set.blocked.erase(place);
}

void Semaphores::forget_undo(State& state, const SemaphoreSetPtr& set, std::optional<unsigned short> number) {
  for (auto& [group, adjustments] : state.undo)
    std::erase_if(adjustments, [&](const auto& entry) {
      return entry.first.first == set && (!number || entry.first.second == *number);
    });
}

Result<void> Semaphores::remove(int id, const Credentials& credentials) {
  SemaphoreSetPtr set;
  {
    auto state = state_.lock();
    set = TRY(state->table.get(id));
    TRY(set->permissions.check_owner(credentials));
    set->removed = true;
    forget_undo(*state, set, std::nullopt);
    state->table.remove(id);
  }
  set->changed.notify(POLLIN);
  return {};
}

Result<void> Semaphores::change(int id, const Credentials& credentials, const ipc_perm& wanted) {
  auto state = state_.lock();
  const SemaphoreSetPtr set = TRY(state->table.get(id));
  TRY(set->permissions.check_owner(credentials));
  set->permissions.set(wanted);
  set->changed_at = ipc_time();
  return {};
}

Result<std::pair<int, semid_ds>> Semaphores::status(int id, bool index, bool any,
                                                    const Credentials& credentials) const {
  auto state = state_.lock();
  if (index) id = TRY(state->table.at(id)).first;
  const SemaphoreSetPtr set = TRY(state->table.get(id));
  if (!any) TRY(set->permissions.check(credentials, kIpcRead));
  semid_ds abi{};
  abi.sem_perm = set->permissions.to_abi(id);
  abi.sem_otime = set->operated;
  abi.sem_ctime = set->changed_at;
  abi.sem_nsems = set->semaphores.size();
  return std::pair(id, abi);
}

Result<int> Semaphores::value(int id, int number, int command, const Credentials& credentials) const {
  auto state = state_.lock();
  const SemaphoreSetPtr set = TRY(checked(*state, id, credentials, kIpcRead));
  if (number < 0 || static_cast<std::size_t>(number) >= set->semaphores.size()) return Errno(EINVAL);
  const auto waiting = [&](bool for_zero) {
    return static_cast<int>(std::count_if(set->blocked.begin(), set->blocked.end(), [&](const auto& blocked) {
      return blocked.number == number && blocked.for_zero == for_zero;
    }));
  };
  switch (command) {
    case GETVAL:
      return set->semaphores[number].value;
    case GETPID:
      return set->semaphores[number].pid;
    case GETNCNT:
      return waiting(false);
    default:
      return waiting(true);
  }
}

Result<std::vector<unsigned short>> Semaphores::values(int id, const Credentials& credentials) const {
  auto state = state_.lock();
  const SemaphoreSetPtr set = TRY(checked(*state, id, credentials, kIpcRead));
  std::vector<unsigned short> result;
  for (const auto& semaphore : set->semaphores) result.push_back(static_cast<unsigned short>(semaphore.value));
  return result;
}

Result<void> Semaphores::set_value(int id, int number, int value, const Credentials& credentials, int pid) {
  if (value < 0 || value > kSemMaxValue) return Errno(ERANGE);
  SemaphoreSetPtr set;
  {
    auto state = state_.lock();
    set = TRY(checked(*state, id, credentials, kIpcWrite));
    if (number < 0 || static_cast<std::size_t>(number) >= set->semaphores.size()) return Errno(EINVAL);
    set->semaphores[number] = {value, pid};
    set->changed_at = ipc_time();
    forget_undo(*state, set, static_cast<unsigned short>(number));
  }
  set->changed.notify(POLLIN);
  return {};
}

Result<std::size_t> Semaphores::count(int id, const Credentials& credentials) const {
  auto state = state_.lock();
  return TRY(checked(*state, id, credentials, kIpcWrite))->semaphores.size();
}

Result<void> Semaphores::set_values(int id, std::span<const unsigned short> values, const Credentials& credentials,
                                    int pid) {
  if (std::any_of(values.begin(), values.end(), [](unsigned short value) { return value > kSemMaxValue; }))
    return Errno(ERANGE);
  SemaphoreSetPtr set;
  {
    auto state = state_.lock();
    set = TRY(checked(*state, id, credentials, kIpcWrite));
    if (values.size() != set->semaphores.size()) return Errno(EINVAL);  // another set under the same id
    for (std::size_t i = 0; i < values.size(); ++i) set->semaphores[i] = {values[i], pid};
    set->changed_at = ipc_time();
    forget_undo(*state, set, std::nullopt);
  }
  set->changed.notify(POLLIN);
  return {};
}

Semaphores::Usage Semaphores::usage() const {
  auto state = state_.lock();
  Usage usage;
  for (const auto& [id, set] : state->table.all()) {
    ++usage.sets;
    usage.semaphores += static_cast<int>(set->semaphores.size());
  }
  usage.highest_index = std::max(usage.sets - 1, 0);
  return usage;
}

void Semaphores::undo_all(ThreadGroup& group) {
  Adjustments adjustments;
  {
    auto state = state_.lock();
    const auto own = state->undo.find(&group);
    if (own == state->undo.end()) return;
    adjustments = std::move(own->second);
    state->undo.erase(own);
    for (const auto& [place, delta] : adjustments) {
      auto& semaphore = place.first->semaphores[place.second];
      semaphore.value = std::clamp(semaphore.value + delta, 0, kSemMaxValue);
    }
  }
  for (const auto& [place, delta] : adjustments) place.first->changed.notify(POLLIN);
}

}  // namespace runsc
