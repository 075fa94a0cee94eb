// pidfd_open(2).
#pragma once

#include "boot/fs/anon/anon_file.h"
#include "boot/kernel/thread_group.h"

namespace runsc {

// Stands for a process, even after it has been reaped and its number belongs to another. Readable once it has ended.
class PidFd : public AnonFile {
 public:
  // `flags`: O_NONBLOCK (PIDFD_NONBLOCK), for waitid(2).
  PidFd(ThreadGroupPtr group, int flags)
      : AnonFile("pidfd", OpenFlags{O_RDWR | (flags & O_NONBLOCK)}), group_(std::move(group)) {}

  const ThreadGroupPtr& group() const { return group_; }

  EventMask readiness(EventMask) override { return group_->ended() ? POLLIN | POLLRDNORM : 0; }
  WaitQueue* wait_queue() override { return &group_->exit_events(); }

 private:
  const ThreadGroupPtr group_;
};

}  // namespace runsc
