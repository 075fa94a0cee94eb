// Hears of the death of gofers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc {

// Thread-safe.
class GoferWatch {
 public:
  GoferWatch();

  // From now on, a hang-up of one of these connections counts for `container`. Borrowed until remove().
  Result<void> add(const std::string& container, const std::vector<UniqueFd>& connections);
  void remove(const std::vector<UniqueFd>& connections);
  // Readable when next() has something.
  int fd() const { return epoll_.get(); }
  // Containers whose gofer has hung up since the last call.
  std::vector<std::string> take();

 private:
  const UniqueFd epoll_;
  Guarded<std::map<int, std::string>, LockLevel::kLeaf> containers_;  // by connection
};

}  // namespace runsc
