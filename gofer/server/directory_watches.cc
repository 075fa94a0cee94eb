#include "gofer/server/directory_watches.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include "gofer/server/host_files.h"

namespace runsc::gofer {
namespace {

// Of linux/xfs.h and f2fs_fs.h, which magic.h does not have.
constexpr std::uint32_t kXfsMagic = 0x58465342;
constexpr std::uint32_t kZfsMagic = 0x2fc12fc1;

// Names that come and go, and changes of the directory's own attributes. Attributes of its entries are not meant, but
// cannot be left out; what happens to their contents is.
constexpr std::uint32_t kEvents =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// A watched directory stays in the host's memory, so a peer must not be able to have millions.
constexpr std::size_t kMostWatches = 16384;

// Every change of these goes through this host's kernel, which tells. Of others (NFS, FUSE, 9p ..) it knows only its
// own.
bool tells_all(int fd) {
  struct statfs host {};
  if (::fstatfs(fd, &host) != 0) return false;
  switch (static_cast<std::uint32_t>(host.f_type)) {
    case EXT4_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case kXfsMagic:
    case kZfsMagic:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<UniqueFd> DirectoryWatches::start() {
  UniqueFd queue = TRY(own_fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
  UniqueFd copy = TRY(duplicate(queue.get()));
  queue_ = std::move(queue);
  return copy;
}

std::int32_t DirectoryWatches::add(int fd) {
  if (!queue_.valid() || uses_.size() >= kMostWatches || !tells_all(fd)) return 0;
  // By number in /proc/self/fd, which prepare_thread has made the working directory: the call takes no descriptor.
  const int watch = ::inotify_add_watch(queue_.get(), DescriptorName(fd).c_str(), kEvents);
  if (watch <= 0) return 0;
  ++uses_[watch];
  return watch;
}

void DirectoryWatches::remove(std::int32_t watch) {
  const auto found = uses_.find(watch);
  if (found == uses_.end() || --found->second != 0) return;
  uses_.erase(found);
  ::inotify_rm_watch(queue_.get(), watch);  // fails when the directory is gone, and the watch with it
}

}  // namespace runsc::gofer
