// How devices and FIFOs are opened, whatever file system their nodes lie in: sockets and character devices register
// their openers here, so that boot/vfs depends on none of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/vfs/inode.h"

namespace runsc {

class CurrentTask;

struct DeviceNumber {
  bool block = false;  // else a character device
  unsigned major = 0;
  unsigned minor = 0;
  friend auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

// Permissions were checked. `path` is where the node was found, for FileDescription's constructor.
using DeviceOpener = std::function<Result<FilePtr>(CurrentTask&, const VfsPath& path, OpenFlags)>;
// May block until the other end is opened (fifo(7)), interruptible: kRestartSys. The pipe itself is the attachment of
// the path's inode.
using FifoOpener = std::function<Result<FilePtr>(CurrentTask&, const VfsPath& path, OpenFlags)>;

// Thread-safe; filled while the sandbox starts, and by subsystems that allocate minors at run time.
class DeviceRegistry {
 public:
  void add(DeviceNumber number, DeviceOpener opener);
  // All minors of a major that add() does not name (pseudo-terminal slaves).
  void add_major(bool block, unsigned major, DeviceOpener opener);
  // ENXIO: nothing is registered.
  Result<FilePtr> open(CurrentTask& task, const VfsPath& path, OpenFlags flags, bool block, std::uint64_t rdev) const;

 private:
  struct Openers {
    std::map<DeviceNumber, DeviceOpener> exact;
    std::map<std::pair<bool, unsigned>, DeviceOpener> majors;
  };
  Guarded<Openers, LockLevel::kLeaf> openers_;
};

}  // namespace runsc
