// mlock(2) and its family. The books only: the host's RLIMIT_MEMLOCK (8 MiB, and the boot process has no capability to
// raise it) does not allow to pin what an application may lock by its own limits. Pages are faulted in, as Linux does.
#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr int kMadvPopulateRead = 22, kMadvPopulateWrite = 23;  // Linux 5.14

Result<AddressRange> lock_range(std::uint64_t address, std::uint64_t length) {
  const auto end = checked_add(address, length);
  const auto rounded = end ? page_ceil(*end) : std::nullopt;
  if (!rounded) return Errno(EINVAL);
  return AddressRange{page_floor(address), *rounded};
}

}  // namespace

void MemoryManager::populate_locked(AddressRange range) {
  struct Part {
    AddressRange range;
    int advice;
  };
  std::vector<Part> parts;
  {
    Access state = state_.lock();
    state->vmas.visit(range, [&](const Vma& vma, AddressRange part) {
      if (vma.protection == PROT_NONE || vma.sealed || !vma.locked) return;
      const bool write = !vma.shared && (vma.protection & PROT_WRITE) != 0;
      parts.push_back({part, write ? kMadvPopulateWrite : kMadvPopulateRead});
    });
  }
  // What cannot be faulted in (beyond the end of a file) stays as it is: mlock(2) ignores that too.
  for (const Part& part : parts) (void)space_->advise(part.range.start, part.range.length(), part.advice);
}

Result<void> MemoryManager::lock(std::uint64_t address, std::uint64_t length, bool on_fault, const CallLimits& limits) {
  if (limits.locked == 0) return Errno(EPERM);
  const AddressRange range = TRY(lock_range(address, length));
  if (range.empty()) return {};
  bool covered = false;
  {
    Access state = state_.lock();
    settle(state, range);
    std::uint64_t already = 0;
    state->vmas.visit(range, [&](const Vma& vma, AddressRange part) {
      if (vma.locked) already += part.length();
    });
    if (state->vmas.locked_bytes() - already + range.length() > limits.locked) return Errno(ENOMEM);
    covered = state->vmas.covers(range);
    state->vmas.change(range, [](Vma& vma) { vma.locked = !vma.sealed; });
  }
  if (!on_fault) populate_locked(range);
  if (!covered) return Errno(ENOMEM);
  return {};
}

Result<void> MemoryManager::unlock(std::uint64_t address, std::uint64_t length) {
  const AddressRange range = TRY(lock_range(address, length));
  if (range.empty()) return {};
  Access state = state_.lock();
  const bool covered = state->vmas.covers(range);
  state->vmas.change(range, [](Vma& vma) { vma.locked = false; });
  if (!covered) return Errno(ENOMEM);
  return {};
}

Result<void> MemoryManager::lock_all(int flags, const CallLimits& limits) {
  if (flags == 0 || flags == MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0)
    return Errno(EINVAL);
  if (limits.locked == 0) return Errno(EPERM);
  const AddressRange everything{0, layout_.task_size};
  {
    Access state = state_.lock();
    if ((flags & MCL_CURRENT) != 0 && state->vmas.virtual_bytes() - state->stack_slack > limits.locked)
      return Errno(ENOMEM);
    state->lock_future = (flags & MCL_FUTURE) != 0;
    state->lock_future_on_fault = (flags & MCL_ONFAULT) != 0;
    if ((flags & MCL_CURRENT) == 0) return {};
    state->vmas.change(everything, [](Vma& vma) { vma.locked = !vma.sealed; });
  }
  if ((flags & MCL_ONFAULT) == 0) populate_locked(everything);
  return {};
}

Result<void> MemoryManager::unlock_all() {
  Access state = state_.lock();
  state->lock_future = false;
  state->lock_future_on_fault = false;
  state->vmas.change({0, layout_.task_size}, [](Vma& vma) { vma.locked = false; });
  return {};
}

}  // namespace runsc
