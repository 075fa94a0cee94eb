// The host's side of MemoryManager: ranges as the platform maps them.
#include "boot/base/checked.h"
#include "boot/base/host_call.h"
#include "boot/base/unique_fd.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

// A file without pages: every access to a mapping of it raises SIGBUS, as beyond the end of a file.
Result<UniqueFd> make_empty_file() { return own_fd(memfd_create("beyond-end", MFD_CLOEXEC)); }

Result<void> map_segment(AddressSpace& space, const Vma& vma, std::uint64_t address, const FileMapping::Segment& segment,
                         AddressSpace::MapOptions options) {
  if (segment.fd >= 0) return space.map(address, segment.length, vma.protection, options, segment.fd, segment.offset);
  const UniqueFd empty = TRY(make_empty_file());
  options.populate = false;
  return space.map(address, segment.length, vma.protection, options, empty.get(), 0);
}

}  // namespace

Result<void> MemoryManager::map_host(const Vma& vma, AddressRange range, const FileMapping* mapping, bool populate) {
  AddressSpace::MapOptions options;
  options.sharing = vma.shared ? Sharing::kShared : Sharing::kPrivate;
  options.no_reserve = vma.no_reserve;
  options.populate = populate;
  if (mapping == nullptr) return space_->map(range.start, range.length(), vma.protection, options, -1, 0);
  std::uint64_t address = range.start;
  for (const FileMapping::Segment& segment : mapping->segments) {
    if (segment.length > range.end - address || !page_aligned(segment.length)) return Errno(EIO);
    TRY(map_segment(*space_, vma, address, segment, options));
    address += segment.length;
  }
  // A file system that describes less than it was asked for must not leave a hole that the list calls mapped.
  if (address != range.end) return Errno(EIO);
  return {};
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
  {
    Access state = state_.lock();
    state->native.done(context);
  }
  native_done_.notify_all();
}

}  // namespace runsc
