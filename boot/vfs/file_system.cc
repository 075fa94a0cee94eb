#include <sys/sysmacros.h>

#include "boot/vfs/dentry.h"
#include "boot/vfs/inode.h"

namespace runsc {
namespace {

// Linux numbers unnamed devices for the whole system; the number only tells file systems apart.
std::uint64_t next_device() {
  static std::atomic<unsigned> next{16};
  return makedev(0, next.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

FileSystem::FileSystem()
    : device_(next_device()), dentry_cache_(std::make_unique<DentryCache>(DentryCache::kDefaultLimit)) {}

FileSystem::~FileSystem() = default;

void FileSystem::add_mount() {
  if (mount_count_.fetch_add(1) == 0) dentry_cache_->open();
}

void FileSystem::remove_mount() {
  if (mount_count_.fetch_sub(1) == 1) dentry_cache_->close();
}

}  // namespace runsc
