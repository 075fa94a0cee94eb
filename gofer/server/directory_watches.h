// Tells the peer what changes in the directories that it has handles of (inotify(7)).
#pragma once

#include <cstdint>
#include <unordered_map>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc::gofer {

// Not thread-safe: one for each session.
class DirectoryWatches {
 public:
  // Begins; a second descriptor of the queue for the peer. EMFILE: the host's limit of queues for one user is reached.
  Result<UniqueFd> start();

  // Watches what `fd` (O_PATH) is open on, which the host does once however often it is asked. 0 when it cannot be
  // watched: not started, the limit of watches, or a file system on which others can make changes that this host does
  // not see. Each result but 0 needs a remove().
  std::int32_t add(int fd);
  void remove(std::int32_t watch);

 private:
  UniqueFd queue_;
  std::unordered_map<std::int32_t, std::uint32_t> uses_;
};

}  // namespace runsc::gofer
