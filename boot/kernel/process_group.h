// Process groups and sessions (credentials(7), setpgid(2), setsid(2)). Reached with the task tree's lock held.
#pragma once

#include <memory>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/kernel/namespaces.h"

namespace runsc {

class Terminal;
class ThreadGroup;

class Session {
 public:
  Session(PidNamespacePtr pid_namespace, Pid id) : pid_namespace(std::move(pid_namespace)), id(id) {}

  const PidNamespacePtr pid_namespace;
  const Pid id;  // in pid_namespace
  ThreadGroup* leader = nullptr;
  // The controlling terminal (tty_ioctl(4)); it holds the foreground process group.
  std::shared_ptr<Terminal> terminal;
};

class ProcessGroup {
 public:
  ProcessGroup(std::shared_ptr<Session> session, Pid id) : session(std::move(session)), id(id) {}

  const std::shared_ptr<Session> session;
  const Pid id;
  std::vector<ThreadGroup*> members;
};

}  // namespace runsc
