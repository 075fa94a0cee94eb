// One watch of an inotify instance.
#pragma once

#include "boot/fs/anon/inotify.h"
#include "boot/vfs/dentry.h"

namespace runsc {

// Lies in the watches of its inode. Keeps the dentry, and with it the inode, in memory, so that events on the file find
// their way here even if the cache has no other use for it. Knows its instance weakly: the instance owns it.
class InotifyWatch : public InodeWatch, public std::enable_shared_from_this<InotifyWatch> {
 public:
  InotifyWatch(const std::shared_ptr<Inotify>& instance, int descriptor, DentryPtr dentry, std::uint32_t mask)
      : instance_(instance),
        owner_(instance.get()),
        descriptor_(descriptor),
        dentry_(std::move(dentry)),
        inode_(dentry_->inode()),
        mask_(mask) {}

  int descriptor() const { return descriptor_; }
  // A second inotify_add_watch(2).
  void change(std::uint32_t mask) {
    const std::uint32_t old = (mask & IN_MASK_ADD) != 0 ? mask_.load() : 0;
    mask_.store(old | mask);
  }
  // No event after it returned, but one that is under way.
  void disconnect() {
    ended_.store(true);
    inode_->watches().remove(*this);
  }

  const void* owner() const override { return owner_; }
  void notify(std::uint32_t mask, std::uint32_t cookie, std::string_view name) override;

 private:
  const std::weak_ptr<Inotify> instance_;
  const void* const owner_;
  const int descriptor_;
  const DentryPtr dentry_;
  const InodePtr inode_;
  std::atomic<std::uint32_t> mask_;
  std::atomic<bool> ended_{false};
};

}  // namespace runsc
