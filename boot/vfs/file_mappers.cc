#include "boot/vfs/file_mappers.h"

#include <algorithm>

namespace runsc {
namespace {

bool same(const std::weak_ptr<FileMapper>& a, const std::shared_ptr<FileMapper>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

}  // namespace

void FileMappers::add(const std::shared_ptr<FileMapper>& mapper) {
  auto state = state_.lock();
  if (std::ranges::any_of(state->entries, [&](const Entry& each) { return same(each.mapper, mapper); })) return;
  if (state->entries.size() >= state->clean_at) {
    std::erase_if(state->entries, [](const Entry& each) { return each.mapper.expired(); });
    state->clean_at = std::max<std::size_t>(16, 2 * state->entries.size());
  }
  state->entries.push_back({state->next_id++, mapper});
}

std::shared_ptr<FileMapper> FileMappers::next_after(std::uint64_t& id) {
  auto state = state_.lock();
  auto it = std::ranges::upper_bound(state->entries, id, {}, &Entry::id);
  for (; it != state->entries.end(); ++it) {
    id = it->id;
    if (auto mapper = it->mapper.lock()) return mapper;
  }
  return nullptr;
}

void FileMappers::tell_resized() {
  std::uint64_t id = 0;
  while (const auto mapper = next_after(id)) mapper->file_resized(*this);
}

}  // namespace runsc
