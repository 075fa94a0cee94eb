#include "boot/platform/seccomp/address_space.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "boot/base/checked.h"
#include "boot/base/host_call.h"
#include "boot/platform/seccomp/context.h"
#include "boot/platform/seccomp/remote_memory.h"

namespace runsc::seccomp {
namespace {

constexpr int kProtections = PROT_READ | PROT_WRITE | PROT_EXEC;

int host_map_flags(const AddressSpace::MapOptions& options, int fd) {
  int flags = MAP_FIXED | (options.sharing == Sharing::kShared ? MAP_SHARED : MAP_PRIVATE);
  if (fd < 0) flags |= MAP_ANONYMOUS;
  if (options.no_reserve) flags |= MAP_NORESERVE;
  if (options.populate) flags |= MAP_POPULATE;
  if (options.grows_down) flags |= MAP_GROWSDOWN;
  if (options.locked) flags |= MAP_LOCKED;
  return flags;
}

Agent::Args mmap_arguments(const AddressSpace::Mapping& mapping) {
  return {mapping.address,
          mapping.length,
          static_cast<std::uint64_t>(mapping.prot & kProtections),
          static_cast<std::uint64_t>(host_map_flags(mapping.options, mapping.fd)),
          static_cast<std::uint64_t>(mapping.fd),
          mapping.offset};
}

}  // namespace

Result<int> AreaAllocator::take() {
  if (!free_.empty()) {
    const int index = free_.back();
    free_.pop_back();
    return index;
  }
  if (next_ == STUB_AREA_COUNT) return Errno(EAGAIN);
  return next_++;
}

SeccompAddressSpace::SeccompAddressSpace(Shared& shared, Agent agent)
    : shared_(shared), pid_(agent.process().pid()), state_(std::move(agent)) {}

SeccompAddressSpace::~SeccompAddressSpace() {
  auto state = state_.lock();
  for (HostThread& thread : state->parked) end(thread);
  state->parked.clear();
  state->worker.reset();
  rusage usage{};
  state->agent.process().end(&usage);
  paging_->peak_resident_kib.store(usage.ru_maxrss);
  shared_.slots.give(std::move(state->agent).take_slot());
}

void SeccompAddressSpace::end(HostThread& thread) {
  rusage usage{};
  thread.process.end(&usage);
  paging_->minor_faults.fetch_add(usage.ru_minflt);
  paging_->major_faults.fetch_add(usage.ru_majflt);
}

// The agent shares the memory; its answer lies where the application can change it, which deceives nobody else.
Result<std::int64_t> SeccompAddressSpace::peak_resident_kib() {
  auto state = state_.lock();
  TRY(call_locked(*state, SYS_getrusage, {RUSAGE_SELF, STUB_SCRATCH + 0x1000}));
  rusage usage{};
  copy_once(&usage, state->agent.slot().output(), sizeof usage);
  return std::clamp<std::int64_t>(usage.ru_maxrss, 0, std::int64_t{1} << 42);
}

Result<void> SeccompAddressSpace::call(long number, const Agent::Args& args) {
  return call_locked(*state_.lock(), number, args);
}

Result<void> SeccompAddressSpace::call_locked(State& state, long number, const Agent::Args& args) {
  consider_worker(state);
  if (!state.worker) {
    TRY(state.agent.call(number, args));
    return {};
  }
  const auto result = state.worker->call(state.agent.slot(), number, args);
  if (result.ok()) return {};
  if (result.error() == Errno(EIO) && !state.worker->alive()) state.worker.reset();
  return result.error();
}

// Many processes map little before they end or replace their program; a worker would not pay there.
void SeccompAddressSpace::consider_worker(State& state) {
  constexpr int kCallsBeforeWorker = 16;
  if (state.worker || ++state.calls_without_worker != kCallsBeforeWorker) return;
  auto worker = Worker::start(state.agent, shared_.text.get());
  if (worker.ok()) state.worker.emplace(std::move(worker).value());
}

Result<void> SeccompAddressSpace::map(std::uint64_t address, std::uint64_t length, int prot, const MapOptions& options,
                                      int fd, std::uint64_t offset) {
  TRY(shared_.rules.check_mapping(address, length));
  return call(SYS_mmap, mmap_arguments({address, length, prot, options, fd, offset}));
}

Result<void> SeccompAddressSpace::map_all(std::span<const Mapping> mappings) {
  for (const Mapping& each : mappings) TRY(shared_.rules.check_mapping(each.address, each.length));
  auto state = state_.lock();
  std::vector<BatchedCall> calls;
  while (!mappings.empty()) {
    calls.clear();
    // As one more call of many it costs next to nothing.
    if (std::exchange(state->name_placed, false)) calls.push_back(Agent::naming_call());
    const auto part = mappings.first(std::min<std::size_t>(mappings.size(), BATCH_MOST - calls.size()));
    for (const Mapping& each : part) calls.push_back({SYS_mmap, mmap_arguments(each)});
    TRY(state->agent.call_all(calls));
    mappings = mappings.subspan(part.size());
  }
  return {};
}

Result<void> SeccompAddressSpace::unmap(std::uint64_t address, std::uint64_t length) {
  TRY(shared_.rules.check_mapping(address, length));
  return call(SYS_munmap, {address, length});
}

Result<void> SeccompAddressSpace::protect(std::uint64_t address, std::uint64_t length, int prot) {
  TRY(shared_.rules.check_mapping(address, length));
  return call(SYS_mprotect, {address, length, static_cast<std::uint64_t>(prot & kProtections)});
}

Result<void> SeccompAddressSpace::remap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length,
                                        int flags, std::uint64_t new_address) {
  const bool moves = (flags & MREMAP_MAYMOVE) != 0;
  if (moves != ((flags & MREMAP_FIXED) != 0)) return Errno(EINVAL);  // the host must not choose an address
  TRY(shared_.rules.check_mapping(old_address, std::max(old_length, moves ? kPageSize : new_length)));
  if (moves) TRY(shared_.rules.check_mapping(new_address, new_length));
  return call(SYS_mremap, {old_address, old_length, new_length, static_cast<std::uint64_t>(flags), new_address});
}

Result<void> SeccompAddressSpace::advise(std::uint64_t address, std::uint64_t length, int advice) {
  TRY(shared_.rules.check_mapping(address, length));
  return call(SYS_madvise, {address, length, static_cast<std::uint64_t>(advice)});
}

Result<void> SeccompAddressSpace::sync(std::uint64_t address, std::uint64_t length, int flags) {
  TRY(shared_.rules.check_mapping(address, length));
  return call(SYS_msync, {address, length, static_cast<std::uint64_t>(flags)});
}

// The agent leaves the bytes where the application can change them: they are no more than a hint anyway.
Result<std::vector<std::uint8_t>> SeccompAddressSpace::resident(std::uint64_t address, std::uint64_t length) {
  TRY(shared_.rules.check_mapping(address, length));
  constexpr std::uint64_t kChunk = kPageSize;  // pages that one page of output describes
  std::vector<std::uint8_t> pages(length / kPageSize);
  auto state = state_.lock();
  for (std::uint64_t first = 0; first < pages.size(); first += kChunk) {
    const std::uint64_t count = std::min(kChunk, pages.size() - first);
    TRY(call_locked(*state, SYS_mincore, {address + first * kPageSize, count * kPageSize, STUB_SCRATCH + 0x1000}));
    copy_once(pages.data() + first, state->agent.slot().output(), count);
  }
  for (std::uint8_t& page : pages) page &= 1;
  return pages;
}

Result<std::size_t> SeccompAddressSpace::read(std::uint64_t address, std::span<std::byte> to) {
  const Range range{address, to.size()};
  return readv(std::span(&range, 1), to);
}

Result<std::size_t> SeccompAddressSpace::write(std::uint64_t address, std::span<const std::byte> from) {
  const Range range{address, from.size()};
  return writev(std::span(&range, 1), from);
}

Result<std::size_t> SeccompAddressSpace::readv(std::span<const Range> ranges, std::span<std::byte> to) {
  return RemoteMemory(pid_, shared_.rules).read(ranges, to);
}

Result<std::size_t> SeccompAddressSpace::writev(std::span<const Range> ranges, std::span<const std::byte> from) {
  return RemoteMemory(pid_, shared_.rules).write(ranges, from);
}

// The host writes through page protections only by /proc/<pid>/mem and ptrace. Neither is at hand here.
Result<void> SeccompAddressSpace::force_write(std::uint64_t address, std::span<const std::byte> from) {
  const std::size_t count = TRY(write(address, from));
  if (count != from.size()) return Errno(EIO);
  return {};
}

Result<std::uint32_t> SeccompAddressSpace::compare_exchange(std::uint64_t address, std::uint32_t expected,
                                                            std::uint32_t desired) {
  if (address % sizeof(expected) != 0) return Errno(EINVAL);
  if (shared_.rules.accessible(address, sizeof(expected)) != sizeof(expected)) return Errno(EFAULT);
  return state_.lock()->agent.exchange(address, expected, desired);
}

Result<int> SeccompAddressSpace::futex_wake(std::uint64_t address, int count) {
  if (shared_.rules.accessible(address, sizeof(std::uint32_t)) != sizeof(std::uint32_t)) return Errno(EFAULT);
  return TRY(state_.lock()->agent.call(SYS_futex, {address, FUTEX_WAKE, static_cast<std::uint64_t>(count)}));
}

Result<std::unique_ptr<AddressSpace>> SeccompAddressSpace::fork() {
  Slot slot = TRY(shared_.slots.take());
  Agent child = TRY(state_.lock()->agent.fork(std::move(slot)));
  return std::unique_ptr<AddressSpace>(std::make_unique<SeccompAddressSpace>(shared_, std::move(child)));
}

void SeccompAddressSpace::set_name(std::string_view name) {
  auto state = state_.lock();
  state->agent.place_name(name);
  state->name_placed = true;
}

Result<std::unique_ptr<Context>> SeccompAddressSpace::new_context(const ThreadState& thread) {
  std::vector<std::byte> fp;
  if (!thread.fp_state.empty()) fp = TRY(checked_fp_state(shared_.fp, thread.fp_state));
  HostThread host_thread = TRY(take_thread(thread, fp));
  return std::unique_ptr<Context>(std::make_unique<SeccompContext>(*this, std::move(host_thread), thread.rseq));
}

Result<HostThread> SeccompAddressSpace::take_thread(const ThreadState& thread, std::span<const std::byte> fp) {
  auto state = state_.lock();
  const auto suits = [&](const HostThread& each) { return each.guarded == thread.no_native_calls; };
  const auto found = std::find_if(state->parked.rbegin(), state->parked.rend(), suits);
  if (found == state->parked.rend()) return new_thread_locked(*state, thread, fp);
  HostThread parked = std::move(*found);
  state->parked.erase(std::next(found).base());
  parked.area.store(thread.registers, parked.area.place_fp(fp));
  parked.area.store_rseq(thread.rseq, ThreadArea::RseqState::kJoin);
  return parked;
}

// The frame is written before the thread exists; it reads that only behind its filter.
Result<HostThread> SeccompAddressSpace::new_thread_locked(State& state, const ThreadState& thread,
                                                          std::span<const std::byte> fp) {
  if (std::exchange(state.name_placed, false)) {
    const BatchedCall naming = Agent::naming_call();
    TRY(state.agent.call_all(std::span(&naming, 1)));
  }
  UniqueFd reserved_fd(TRY(HOST_CALL(fcntl(shared_.text.get(), F_DUPFD_CLOEXEC, 0))));
  const int index = TRY(state.areas.take());
  const ThreadArea area(state.agent.slot().area(index), STUB_AREAS + std::uint64_t{STUB_AREA_SIZE} * index);
  shared_word(area.mailbox().ready).store(0);
  area.store(thread.registers, area.place_fp(fp));
  area.store_rseq(thread.rseq, ThreadArea::RseqState::kJoin);
  auto process = state.agent.start_thread(index, reserved_fd.get(), thread.no_native_calls);
  if (process.ok())
    return HostThread{Listener(std::move(reserved_fd)), std::move(process).value(), index, area,
                      thread.no_native_calls};
  state.areas.give(index);
  return process.error();
}

void SeccompAddressSpace::give_back(HostThread thread) {
  constexpr std::size_t kMaxParked = 8;
  if (!thread.parked_at) end(thread);  // outside of the lock: it waits
  auto state = state_.lock();
  if (thread.parked_at && state->parked.size() < kMaxParked) {
    state->parked.push_back(std::move(thread));
    return;
  }
  end(thread);
  state->areas.give(thread.area_index);
}

}  // namespace runsc::seccomp
