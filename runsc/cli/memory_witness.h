// What is left to say of a container whose memory ran out.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "sandbox/state.h"

namespace runsc {

// Says at its end that the host ended processes of the container for want of memory, which nothing else of the
// container tells. To be made when the container's processes are in its cgroup, and to end before that is removed.
class MemoryWitness {
 public:
  explicit MemoryWitness(const ContainerState& state);
  ~MemoryWitness();
  MemoryWitness(const MemoryWitness&) = delete;
  MemoryWitness& operator=(const MemoryWitness&) = delete;

 private:
  void hold_scope();
  void let_go();

  std::string id_;
  std::vector<std::string> cgroups_;
  UniqueFd holding_;  // the holder ends when this is closed, by us or by our death
  pid_t holder_ = -1;
};

}  // namespace runsc
