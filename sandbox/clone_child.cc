#include "sandbox/clone_child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

UniqueFd open_own_network() {
  UniqueFd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own) throw_system_error("open /proc/self/ns/net");
  return own;
}

void enter_network(int target) {
  if (::setns(target, CLONE_NEWNET) != 0) throw_system_error("join the network namespace");
}

int unified_cgroup(const SpawnRequest& request) { return request.cgroups == nullptr ? -1 : request.cgroups->unified(); }

// `parent`: 0, or CLONE_PARENT for a sibling, which has the caller's exit signal.
pid_t clone_into(std::uint64_t namespaces, std::uint64_t parent, int cgroup, int* pidfd) {
  clone_args args{};
  args.flags = namespaces | parent | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = parent == 0 ? SIGCHLD : 0;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
  // The caller may be allowed to move processes there but not to be the cause of their birth (the rule looks at the
  // common ancestor), and a kernel before 5.7 knows nothing of it: who asks for a cgroup checks afterwards anyway.
  if (pid < 0 && cgroup >= 0 && errno != EAGAIN && errno != ENOMEM) return clone_into(namespaces, parent, -1, pidfd);
  return pid;
}

// A child cannot enter a namespace that its new user namespace does not own, so the parent does, for a moment.
class NetworkNamespaceVisit {
 public:
  NetworkNamespaceVisit(UniqueFd own, int target) : own_(std::move(own)) { enter_network(target); }
  ~NetworkNamespaceVisit() {
    if (own_ && ::setns(own_.get(), CLONE_NEWNET) != 0) ::abort();
  }
  // In the child, which was born there.
  void stay() { own_.reset(); }
  NetworkNamespaceVisit(const NetworkNamespaceVisit&) = delete;
  NetworkNamespaceVisit& operator=(const NetworkNamespaceVisit&) = delete;

 private:
  UniqueFd own_;
};

pid_t clone_on_a_visit(const SpawnRequest& request, UniqueFd own, int* pidfd) {
  NetworkNamespaceVisit visit(std::move(own), request.network_namespace);
  if (request.prepare_network) request.prepare_network();
  const pid_t pid = clone_into(request.namespaces, 0, unified_cgroup(request), pidfd);
  const int error = errno;
  if (pid == 0) visit.stay();
  errno = error;
  return pid;
}

// What a courier has to tell.
struct Delivery {
  pid_t pid = -1;
  int pidfd = -1;
  int error = ECHILD;               // it was killed
  std::array<char, 512> refusal{};  // the text of a UserError; empty: none
};

class SharedDelivery {
 public:
  SharedDelivery() {
    void* memory = ::mmap(nullptr, sizeof(Delivery), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_system_error("mmap");
    delivery_ = new (memory) Delivery();
  }
  ~SharedDelivery() { ::munmap(delivery_, sizeof(Delivery)); }
  SharedDelivery(const SharedDelivery&) = delete;
  SharedDelivery& operator=(const SharedDelivery&) = delete;
  Delivery* operator->() { return delivery_; }

 private:
  Delivery* delivery_;
};

// In the courier. Returns in the process that it has given birth to only.
void deliver(const SpawnRequest& request, SharedDelivery& delivery) {
  try {
    enter_network(request.network_namespace);
    if (request.prepare_network) request.prepare_network();
    const pid_t pid = clone_into(request.namespaces, CLONE_PARENT, unified_cgroup(request), &delivery->pidfd);
    if (pid == 0) return;  // and writes nothing into what is shared
    delivery->error = errno;
    delivery->pid = pid;
  } catch (const UserError& error) {
    std::strncpy(delivery->refusal.data(), error.what(), delivery->refusal.size() - 1);
  }
  ::_exit(0);
}

// The root of a user namespace can enter the networks that are its own but not come back to one that is not (rootless
// Podman's runtime lives in the host's). So a courier goes instead, and its child is made a child of ours. It shares
// our descriptors: the pidfd is ours.
pid_t clone_by_courier(const SpawnRequest& request, int* pidfd) {
  SharedDelivery delivery;
  const auto courier = static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, 0UL));
  if (courier < 0) throw_system_error("fork");
  if (courier == 0) {
    deliver(request, delivery);
    return 0;
  }
  while (::waitpid(courier, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (delivery->refusal[0] != '\0') throw UserError(delivery->refusal.data());
  *pidfd = delivery->pidfd;
  errno = delivery->error;
  return delivery->pid;
}

}  // namespace

pid_t clone_child(const SpawnRequest& request, int* pidfd) {
  if (request.network_namespace < 0) {
    if (request.prepare_network) request.prepare_network();
    return clone_into(request.namespaces, 0, unified_cgroup(request), pidfd);
  }
  UniqueFd own = open_own_network();
  const bool may_return = ::setns(own.get(), CLONE_NEWNET) == 0;
  return may_return ? clone_on_a_visit(request, std::move(own), pidfd) : clone_by_courier(request, pidfd);
}

}  // namespace runsc
