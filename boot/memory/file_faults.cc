// Files that grow or shrink while they are mapped.
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

// Behind the last page that has something of the file.
std::uint64_t end_of(const FileMappers& file) { return page_ceil(file.size()).value_or(~0ULL); }

}  // namespace

void MemoryManager::note_mapper(Access& state, const Vma& vma) {
  if (vma.mappers == nullptr) return;
  vma.mappers->add(shared_from_this());
  // The file may have shrunk between the answer where its pages lie and now.
  if (vma.file_offset(vma.end) > end_of(*vma.mappers)) cut_at_end(state, *vma.mappers);
}

void MemoryManager::cut_at_end(Access& state, const FileMappers& file) {
  settle(state, {0, layout_.task_size});
  const std::uint64_t end = end_of(file);
  std::vector<Vma> cut;
  for (const auto& [start, vma] : state->vmas.all())
    if (vma.mappers.get() == &file && vma.file_offset(vma.end) > end) cut.push_back(vma);
  for (const Vma& vma : cut) {
    const AddressRange range{vma.start + (end > vma.offset ? end - vma.offset : 0), vma.end};
    const FileMapping beyond{{{-1, 0, range.length()}}};
    if (!map_host(*state, vma, range, &beyond, false).ok()) continue;
    // Of the whole mapping: it stays one.
    state->vmas.change(vma.range(), [](Vma& each) { each.beyond_end = true; });
  }
}

void MemoryManager::file_resized(const FileMappers& file) {
  std::vector<Vma> grown;
  {
    Access state = state_.lock();
    cut_at_end(state, file);
    const std::uint64_t end = file.size();
    for (const auto& [start, vma] : state->vmas.all())
      if (vma.mappers.get() == &file && vma.beyond_end && vma.shared && vma.offset < end) grown.push_back(vma);
  }
  // Pages of private mappings may have been written to since: those wait for their fault.
  for (const Vma& vma : grown) (void)map_grown_part(vma, vma.range());
}

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
  return map_grown_part(before, {page, before.shared ? before.end : page + kPageSize});
}

bool MemoryManager::map_grown_part(const Vma& before, AddressRange wanted) {
  const std::uint64_t offset = before.file_offset(wanted.start);
  auto mapping = before.file->map(offset, wanted.length(), before.pin != nullptr);
  if (!mapping.ok()) return false;
  const FileMapping backed = backed_part(std::move(mapping).value());
  const AddressRange range{wanted.start, wanted.start + total_length(backed)};
  if (range.empty()) return false;
  Access state = state_.lock();
  settle(state, range);
  const Vma* now = state->vmas.find(range.start);
  // Whatever replaced it meanwhile will not fault for this reason.
  if (now == nullptr || now->file != before.file || now->end < range.end || now->file_offset(range.start) != offset)
    return true;
  if (!map_host(*state, *now, range, &backed, false).ok()) return false;
  if (before.mappers != nullptr && offset + range.length() > end_of(*before.mappers))
    cut_at_end(state, *before.mappers);
  return true;
}

}  // namespace runsc
