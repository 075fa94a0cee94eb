// The host's side of MemoryManager: ranges as the platform maps them.
#include <algorithm>
#include <utility>

#include "boot/base/checked.h"
#include "boot/base/host_call.h"
#include "boot/base/unique_fd.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

bool has_part_beyond_end(const FileMapping& mapping) {
  return std::ranges::any_of(mapping.segments, [](const FileMapping::Segment& each) { return each.fd < 0; });
}

namespace {

// A file without pages: every access to a mapping of it raises SIGBUS, as beyond the end of a file.
Result<UniqueFd> make_empty_file() { return own_fd(memfd_create("beyond-end", MFD_CLOEXEC)); }

}  // namespace

Result<void> MemoryManager::map_segment(State& state, const AddressSpace::Mapping& mapping) {
  if (!state.deferred) return space_->map_all(std::span(&mapping, 1));
  state.deferred->push_back(mapping);
  return {};
}

Result<void> MemoryManager::map_host(State& state, const Vma& vma, AddressRange range, const FileMapping* mapping,
                                     bool populate) {
  AddressSpace::Mapping part{range.start, range.length(), host_protection(vma.protection), {}, -1, 0};
  part.options.sharing = vma.shared ? Sharing::kShared : Sharing::kPrivate;
  part.options.no_reserve = vma.no_reserve;
  part.options.populate = populate;
  if (mapping == nullptr) return map_segment(state, part);
  UniqueFd empty;
  for (const FileMapping::Segment& segment : mapping->segments) {
    if (segment.length > range.end - part.address || !page_aligned(segment.length)) return Errno(EIO);
    const bool beyond_end = segment.fd < 0;
    if (beyond_end && !empty) empty = TRY(make_empty_file());
    part.length = segment.length;
    part.fd = beyond_end ? empty.get() : segment.fd;
    part.offset = beyond_end ? 0 : segment.offset;
    part.options.populate = populate && !beyond_end;
    TRY(map_segment(state, part));
    // The descriptor does not live longer than this function.
    if (beyond_end && state.deferred) TRY(space_->map_all(std::exchange(*state.deferred, {})));
    part.address += segment.length;
  }
  // A file system that describes less than it was asked for must not leave a hole that the list calls mapped.
  if (part.address != range.end) return Errno(EIO);
  return {};
}

void MemoryManager::defer_mappings() { state_.lock()->deferred.emplace(); }

Result<void> MemoryManager::make_deferred() {
  Access state = state_.lock();
  const auto mappings = std::exchange(state->deferred, std::nullopt);
  if (!mappings || mappings->empty()) return {};
  return space_->map_all(*mappings);
}

Result<void> MemoryManager::unmap_host(AddressRange range) {
  return for_each_clear(range, [&](AddressRange part) { return space_->unmap(part.start, part.length()); });
}

Result<void> MemoryManager::move_host(std::uint64_t from, std::uint64_t length, int flags, std::uint64_t to) {
  const auto moved = space_->remap(from, length, length, flags | MREMAP_MAYMOVE | MREMAP_FIXED, to);
  if (moved.ok() || moved.error() != Errno(EFAULT) || length <= kPageSize) return moved;
  // What is one VMA here may be several on the host (other pages' history, file segments), and it moves one at a time.
  const std::uint64_t half = page_floor(length / 2 + kPageSize - 1);
  TRY(move_host(from, half, flags, to));
  return move_host(from + half, length - half, flags, to + half);
}

void MemoryManager::settle(Access& state, AddressRange range) {
  while (state->native.overlap(range)) {
    state->native.hurry(range);
    native_done_.wait(state.underlying());
  }
}

bool MemoryManager::begin_native(State& state, Context* native, AddressRange range) const {
  if (native == nullptr || touches_blocked(range)) return false;
  state.native.begin(*native, range);
  return true;
}

void MemoryManager::native_call_done(Context& context) {
  std::vector<Vma> garbage;  // destroyed after the lock is released
  {
    Access state = state_.lock();
    garbage = state->native.done(context);
  }
  native_done_.notify_all();
}

}  // namespace runsc
