// What inodes have in common that show one file of the host through several mounts: in several containers of a pod, or
// in one container twice. As on Linux, where they would be one inode, programs meet there: at locks, sockets and FIFOs.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>

#include "boot/base/lock.h"

namespace runsc {

class FileLocks;

struct InodeCommons {
  InodeCommons() = default;
  ~InodeCommons();
  InodeCommons(const InodeCommons&) = delete;
  InodeCommons& operator=(const InodeCommons&) = delete;

  std::atomic<FileLocks*> locks{nullptr};  // made on first use
  // Of a socket or FIFO; what it is follows from the type of the inode.
  Guarded<std::shared_ptr<void>, LockLevel::kLeaf> attachment;
};
using InodeCommonsPtr = std::shared_ptr<InodeCommons>;

// Thread-safe; one for each sandbox. Device and number are what a gofer says, which is not trusted: one that lies lets
// its container's programs meet those of another of the pod, and no more, since the type, by which an attachment is
// understood, is what each inode itself has and belongs to the key.
class InodeTwins {
 public:
  struct Key {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint32_t type = 0;  // S_IFMT
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  // Those of all inodes with this key that have asked and still exist. The caller keeps the file from being removed on
  // the host, so that its number stays its own.
  InodeCommonsPtr commons(const Key& key);

 private:
  struct Table {
    std::map<Key, std::weak_ptr<InodeCommons>> entries;
    std::size_t prune_at = 64;  // entries, when those that are gone are dropped
  };
  Guarded<Table, LockLevel::kLeaf> table_;
};

}  // namespace runsc
