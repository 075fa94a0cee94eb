#include "gofer/server/handle_table.h"

#include <algorithm>
#include <utility>

namespace runsc::gofer {
namespace {

std::size_t index_of(HandleId id) { return static_cast<std::size_t>(id); }

}  // namespace

Result<void> HandleTable::check_free(HandleId id) const {
  if (index_of(id) >= max_handles_) return Errno(EINVAL);
  if (index_of(id) < nodes_.size() && nodes_[index_of(id)].path.valid()) return Errno(EINVAL);
  return {};
}

Result<void> HandleTable::insert(HandleId id, Node node) {
  TRY(check_free(id));
  if (index_of(id) >= nodes_.size()) nodes_.resize(index_of(id) + 1);
  nodes_[index_of(id)] = std::move(node);
  return {};
}

Result<Node*> HandleTable::find(HandleId id) {
  if (index_of(id) >= nodes_.size() || !nodes_[index_of(id)].path.valid()) return Errno(EBADF);
  return &nodes_[index_of(id)];
}

std::int32_t HandleTable::close(HandleId id) {
  if (id == HandleId::kRoot || index_of(id) >= nodes_.size()) return 0;
  return std::exchange(nodes_[index_of(id)], Node()).watch;
}

}  // namespace runsc::gofer
