// Relays: processes of the host that stand for a process inside of a sandbox.
//
// Callers of an OCI runtime know a process by its id on the host: they wait for it as its parent (or as the subreaper
// that it falls to), take its exit status, and send it signals. A process inside of a sandbox is none of the host's, so
// it gets a stand-in: the relay waits for it over the control socket, passes on the signals that it gets itself, and
// ends with the same status. The first container needs none: there the boot process is the stand-in.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "control/client/client.h"

namespace runsc {

struct RelayRequest {
  std::string control_socket;
  std::string container;  // the id by which the sandbox knows it
  // Called in the relay, with the connection that it keeps: starts the process. Returns its number in the container; 0:
  // the container's first process. Throws UserError.
  std::function<int(control::Client&)> begin;
  std::vector<int> fds;  // what `begin` needs: every other descriptor is closed
  int terminal = -1;     // the replica end of the process's host terminal, whose changes of size the relay hears of
};

// A relay that this process has started. Killed when destroyed, unless released.
class Relay {
 public:
  // Forks the relay, which waits. It has its own copy of `request`. Called by single-threaded programs only.
  explicit Relay(const RelayRequest& request);
  Relay(Relay&&) noexcept = default;
  Relay& operator=(Relay&&) = delete;
  ~Relay();

  // Has it call RelayRequest::begin. Throws UserError with the reason when that failed. Until commit() our death, even
  // by SIGKILL, is the relay's and its process's, too.
  void begin();
  // The process lives without us: whoever has to know of it does.
  void commit();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void send(int signal) const;
  // Waits for the end: the exit status of the process, 128 + n when signal n ended it.
  int wait();
  // commit(), and no longer ours to wait for.
  void release();

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;  // invalid: waited for, released or moved away
  UniqueFd gate_;
  UniqueFd report_;
};

}  // namespace runsc
