#include "runsc/cli/memory_witness.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "runsc/cli/messages.h"
#include "runsc/common/user_error.h"
#include "sandbox/cgroup/container_cgroup.h"
#include "sandbox/cgroup/oom_watch.h"

namespace runsc {
namespace {

// In a new process: nothing but what may follow fork(2).
[[noreturn]] void hold_until_closed(int reader, int writer) {
  ::close(writer);
  char byte = 0;
  while (::read(reader, &byte, 1) < 0 && errno == EINTR) {
  }
  ::_exit(0);
}

}  // namespace

MemoryWitness::MemoryWitness(const ContainerState& state) : id_(state.id), cgroups_(state.cgroups) {
  // The others are units of systemd.
  if (cgroup_directories_of(cgroups_).size() != cgroups_.size()) hold_scope();
}

MemoryWitness::~MemoryWitness() {
  const std::uint64_t kills = count_oom_kills(detect_cgroup_host(), cgroups_);
  let_go();
  if (kills == 0) return;
  messages().warning("container \"" + id_ + "\" ran out of memory: the host killed " + std::to_string(kills) +
                     " of its processes at the limit of its cgroup (linux.resources.memory.limit)");
}

// systemd removes a scope, with what was counted in it, as soon as its last process has ended: so that is one of ours.
void MemoryWitness::hold_scope() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return;
  const UniqueFd reader(fds[0]);
  holding_.reset(fds[1]);
  holder_ = ::fork();
  if (holder_ == 0) hold_until_closed(fds[0], fds[1]);
  if (holder_ < 0) return;
  try {
    enter_cgroups(cgroups_, {holder_});
  } catch (const UserError&) {
    // Then the count may be gone too early, and nothing is said.
  }
}

void MemoryWitness::let_go() {
  holding_.reset();
  while (holder_ > 0 && ::waitpid(holder_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace runsc
