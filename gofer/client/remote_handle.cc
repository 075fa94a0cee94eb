#include "gofer/client/remote_handle.h"

#include <algorithm>

namespace runsc::gofer {

HandlePool::HandlePool(std::uint32_t max_handles) : max_handles_(max_handles) {}

Result<HandleId> HandlePool::allocate() {
  auto state = state_.lock();
  if (!state->free.empty()) {
    const HandleId id = state->free.back();
    state->free.pop_back();
    return id;
  }
  if (state->next >= max_handles_) return Errno(ENFILE);
  return HandleId{state->next++};
}

void HandlePool::give_back(HandleId id) { state_.lock()->free.push_back(id); }

void HandlePool::retire(HandleId id) { state_.lock()->retired.push_back(id); }

void HandlePool::take_retired(BoundedList<HandleId, kMaxClosed>& closed) {
  auto state = state_.lock();
  const std::size_t count = std::min(state->retired.size(), kMaxClosed);
  for (std::size_t i = 0; i < count; ++i) {
    closed.push_back(state->retired.back());
    state->free.push_back(state->retired.back());
    state->retired.pop_back();
  }
}

std::size_t HandlePool::retired_count() const { return state_.lock()->retired.size(); }

}  // namespace runsc::gofer
