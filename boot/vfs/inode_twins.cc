#include "boot/vfs/inode_twins.h"

#include "boot/vfs/file_locks.h"

namespace runsc {

InodeCommons::~InodeCommons() { delete locks.load(); }

InodeCommonsPtr InodeTwins::commons(const Key& key) {
  auto table = table_.lock();
  if (table->entries.size() >= table->prune_at) {
    std::erase_if(table->entries, [](const auto& entry) { return entry.second.expired(); });
    table->prune_at = 2 * table->entries.size() + 64;
  }
  std::weak_ptr<InodeCommons>& entry = table->entries[key];
  if (auto existing = entry.lock()) return existing;
  auto made = std::make_shared<InodeCommons>();
  entry = made;
  return made;
}

}  // namespace runsc
