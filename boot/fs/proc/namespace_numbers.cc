#include "boot/fs/proc/namespace_numbers.h"

namespace runsc {

std::uint64_t NamespaceNumbers::of(const std::shared_ptr<const void>& object) {
  auto state = state_.lock();
  const auto it = state->numbers.find(object);
  if (it != state->numbers.end()) return it->second;
  std::erase_if(state->numbers, [](const auto& entry) { return entry.first.expired(); });
  return state->numbers.emplace(object, state->next++).first->second;
}

}  // namespace runsc
