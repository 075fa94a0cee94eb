// Files that grow after they were mapped beyond their end.
#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

// The part of a mapping, from its start, that lies in the file by now. Segments after a hole are of no use here.
FileMapping backed_part(FileMapping mapping) {
  const auto hole =
      std::ranges::find_if(mapping.segments, [](const FileMapping::Segment& each) { return each.fd < 0; });
  mapping.segments.erase(hole, mapping.segments.end());
  return mapping;
}

std::uint64_t total_length(const FileMapping& mapping) {
  std::uint64_t length = 0;
  for (const FileMapping::Segment& each : mapping.segments) length += each.length;
  return length;
}

}  // namespace

bool MemoryManager::map_grown_file(std::uint64_t address) {
  const std::uint64_t page = page_floor(address);
  Vma before;
  {
    Access state = state_.lock();
    const Vma* vma = state->vmas.find(address);
    // Where everything lay in the file, the host knows by itself what is beyond its end.
    if (vma == nullptr || vma->file == nullptr || !vma->beyond_end) return false;
    before = *vma;
  }
  // Other pages of a private mapping may have been written to since.
  const std::uint64_t wanted = before.shared ? before.end - page : kPageSize;
  auto mapping = before.file->map(before.file_offset(page), wanted, before.pin != nullptr);
  if (!mapping.ok()) return false;
  const FileMapping backed = backed_part(std::move(mapping).value());
  const AddressRange range{page, page + total_length(backed)};
  if (range.empty()) return false;
  Access state = state_.lock();
  settle(state, range);
  const Vma* now = state->vmas.find(page);
  // Whatever replaced it meanwhile will not fault for this reason.
  if (now == nullptr || now->file != before.file || now->end < range.end ||
      now->file_offset(page) != before.file_offset(page))
    return true;
  return map_host(*state, *now, range, &backed, false).ok();
}

}  // namespace runsc
