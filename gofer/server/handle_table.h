// The handles of one connection.
#pragma once

#include <cstdint>
#include <vector>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "gofer/protocol/messages.h"

namespace runsc::gofer {

// What a handle stands for.
struct Node {
  UniqueFd path;             // O_PATH
  std::uint32_t type = 0;    // the S_IFMT bits; fixed for the life of an inode
  UniqueFd stream;           // a directory that is being read
  std::uint64_t cookie = 0;  // where `stream` stands
  std::int32_t watch = 0;    // of a directory: DirectoryWatches
};

// Not thread-safe: a connection is served by one thread. Ids are the client's choice, so none is trusted.
class HandleTable {
 public:
  // Ids from 0 to max_handles - 1.
  explicit HandleTable(std::uint32_t max_handles) : max_handles_(max_handles) {}

  std::uint32_t max_handles() const { return max_handles_; }

  // Whether the id may be given to a new node: EINVAL if it is in use or out of range.
  Result<void> check_free(HandleId id) const;

  // As check_free. The node is closed on failure.
  Result<void> insert(HandleId id, Node node);

  // EBADF if there is no such handle. The reference is valid until the next insert.
  Result<Node*> find(HandleId id);

  // A close of what is not open is ignored: close has no reply. The root stays.
  // Returns the node's watch, 0 if there is none.
  std::int32_t close(HandleId id);

 private:
  const std::uint32_t max_handles_;
  std::vector<Node> nodes_;  // indexed by id; grows to the highest id in use
};

}  // namespace runsc::gofer
