// Readiness of host descriptors (stdio, host sockets, terminals): one host thread with an epoll set, from the first
// descriptor on: a container without terminal or network may have none.
#pragma once

#include <memory>

#include "boot/base/result.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

// Thread-safe. The first add() begins its thread; the destructor ends it.
class HostPoller {
 public:
  HostPoller();
  ~HostPoller();

  // From now on `queue` is notified when `fd` becomes readable, writable, or hangs up (edge-triggered). The caller
  // removes it before it closes `fd` or destroys `queue`. EPERM: a descriptor that epoll does not take (always ready).
  Result<void> add(int fd, WaitQueue& queue);
  // After it returns, the queue is not used any more.
  void remove(int fd);
  // What poll(2) says now, without waiting.
  static EventMask readiness(int fd, EventMask interest);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runsc
