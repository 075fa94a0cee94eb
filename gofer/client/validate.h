// Checks of what a gofer says. EPROTO means that it lies: the connection is then ended.
#pragma once

#include <string_view>

#include "boot/base/result.h"
#include "gofer/protocol/attributes.h"
#include "gofer/protocol/messages.h"

namespace runsc::gofer {

// A type that exists, a size that fits off_t, times that are normalised.
Result<void> check_attributes(const FileAttributes& attributes);

// As many nodes as fit to `names` components and the error, all but the last being directories.
Result<void> check_walked(const WalkedReply& reply, std::size_t names);

// Usable names, known types, and progress behind `cookie`.
Result<void> check_entries(const EntriesReply& reply, std::uint64_t cookie);

// What can be the target of a symlink.
Result<void> check_link_target(std::string_view target);

// A donated descriptor is of type `type` (S_IFREG ..), and opened for what the open flags `flags` ask, no less and
// no more. Reading a device or FIFO in place of a file could block the kernel for ever.
Result<void> check_descriptor(int fd, std::uint32_t type, int flags);

// O_PATH, of the inode that the attributes describe, and no directory: one would be a way to what lies around it.
Result<void> check_held(int fd, const FileAttributes& attributes);

// An inotify(7) queue from which reading never waits.
Result<void> check_change_queue(int fd);

}  // namespace runsc::gofer
