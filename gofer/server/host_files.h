// The host calls with which the gofer reaches files. No other file of the server opens anything: what keeps it in its
// root is here.
//
// - Below a directory's descriptor: one checked component, openat2(2) with RESOLVE_BENEATH and no symlinks.
// - The inode of a descriptor that is already held: its entry in /proc/self/fd, a magic link that leads to exactly
//   that inode, whatever has been renamed since. The names used there are numbers that the server itself printed.
#pragma once

#include <cstdint>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "gofer/protocol/attributes.h"
#include "gofer/protocol/names.h"

namespace runsc::gofer {

// The decimal text of a descriptor: its name in /proc/self/fd.
class DescriptorName {
 public:
  explicit DescriptorName(int fd);
  const char* c_str() const { return text_; }

 private:
  char text_[12];
};

// A host call's outcome as a Result. Failures are the peer's business, so nothing is logged.
inline Result<void> host_result(long value) {
  if (value < 0) return last_errno();
  return {};
}

// The attributes of what a descriptor (O_PATH or other) is open on.
Result<FileAttributes> attributes_of(int fd);

// An O_PATH descriptor of an entry of `directory`; of the symlink itself if it is one.
Result<UniqueFd> open_entry(int directory, const ComponentName& name);

// Creates and opens a regular file that did not exist. `flags`: access mode and status flags.
Result<UniqueFd> create_entry(int directory, const ComponentName& name, int flags, std::uint32_t mode);

// O_TMPFILE.
Result<UniqueFd> create_unnamed(int directory, int flags, std::uint32_t mode);

// Another open file description of the same inode. Precondition: the inode is of a type that may be opened with these
// flags (never a device); a held descriptor's inode cannot change its type.
Result<UniqueFd> reopen(int proc_self_fd, int fd, int flags);

// Another descriptor of the same open file.
Result<UniqueFd> duplicate(int fd);

// Permission bits of any inode but a symlink's.
Result<void> change_mode(int proc_self_fd, int fd, std::uint32_t mode);

// Either may be -1: unchanged.
Result<void> change_owner(int fd, std::uint32_t uid, std::uint32_t gid);

}  // namespace runsc::gofer
