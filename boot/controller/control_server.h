// The boot process's side of <root>/<id>/control.sock: Cap'n Proto RPC (control/sandbox.capnp) on a thread of its own.
//
// Whatever a client does, it costs the sandbox no more than its limits: connections, requests of each, bytes and
// nesting of a message, answers that nobody reads. When there are too many connections the one that has been idle for
// longest is closed; when none is idle the new one is told so. Nothing waits for a client, and no request waits for
// another.
#pragma once

#include <kj/async.h>

#include <cstddef>
#include <thread>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "boot/controller/service.h"

namespace runsc {

struct ControlLimits {
  std::size_t connections = 128;
  std::size_t requests = 64;  // of one connection, at once
  std::size_t workers = 16;   // threads for requests that take their time
};

class ControlServer {
 public:
  // `listener`: a listening Unix stream socket. `service` outlives the server.
  ControlServer(UniqueFd listener, ControlService& service, ControlLimits limits = {});
  // finish(), and waits for requests that are still being worked on.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Starts the thread; connections that came before are served too.
  Result<void> start();
  // Before the sandbox ends: what is known by now (a status that a client waits for) is answered, then every connection
  // is closed. Does not wait for requests that are being worked on.
  void finish();

 private:
  class Loop;
  struct Stopper {
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> stop;
    bool wanted = false;
  };
  void serve();
  void stop();

  UniqueFd listener_;
  ControlService& service_;
  const ControlLimits limits_;
  std::unique_ptr<class WorkerPool> workers_;
  Guarded<Stopper, LockLevel::kLeaf> stopper_;
  std::thread thread_;
};

}  // namespace runsc
