// The interface Sandbox of one connection: requests from the wire, checked, to the service, and what it says back.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "boot/controller/requests.h"
#include "boot/controller/service.h"
#include "boot/controller/worker_pool.h"
#include "control/sandbox.capnp.h"

namespace runsc {

// On the control thread only. `service` and `workers` outlive it.
class SandboxServer final : public control::wire::Sandbox::Server {
 public:
  SandboxServer(ControlService& service, WorkerPool& workers, std::shared_ptr<Requests> requests)
      : service_(service), workers_(workers), requests_(std::move(requests)) {}

  kj::Promise<void> createContainer(CreateContainerContext context) override;
  kj::Promise<void> startContainer(StartContainerContext context) override;
  kj::Promise<void> destroyContainer(DestroyContainerContext context) override;
  kj::Promise<void> exec(ExecContext context) override;
  kj::Promise<void> wait(WaitContext context) override;
  kj::Promise<void> waitProcess(WaitProcessContext context) override;
  kj::Promise<void> signal(SignalContext context) override;
  kj::Promise<void> processes(ProcessesContext context) override;
  kj::Promise<void> stats(StatsContext context) override;
  kj::Promise<void> events(EventsContext context) override;
  kj::Promise<void> pause(PauseContext context) override;
  kj::Promise<void> resume(ResumeContext context) override;
  kj::Promise<void> resize(ResizeContext context) override;
  kj::Promise<void> update(UpdateContext context) override;
  kj::Promise<void> stacks(StacksContext context) override;
  kj::Promise<void> setLogging(SetLoggingContext context) override;
  kj::Promise<void> containers(ContainersContext context) override;

 private:
  // On the control thread: `work(service)` gives an Outcome, `fill(results, value)` its value to the wire.
  template <typename Context, typename Work, typename Fill>
  kj::Promise<void> quick(Context context, Work work, Fill fill);
  // The same with the work on a thread of its own. A client that goes away is not waited for; the work is done, and
  // `fill`, which is never called then, is destroyed.
  template <typename Context, typename Work, typename Fill>
  kj::Promise<void> slow(Context context, Work work, Fill fill);
  // `subscribe(callback)` registers; the answer is the status that the callback is given. `target` is what is waited
  // for, for a client that is tied to it.
  template <typename Context, typename Subscribe>
  kj::Promise<void> until_exit(Context context, control::SignalTarget target, Subscribe subscribe);
  class Tie;
  class Unclaimed;

  // The process is its client's until that waits for it.
  void tie(const std::string& container, int pid);

  ControlService& service_;
  WorkerPool& workers_;
  std::shared_ptr<Requests> requests_;
  // Processes that the client wants to be tied to and has not waited for yet, by container and number.
  std::map<std::pair<std::string, int>, std::shared_ptr<Tie>> ties_;
};

}  // namespace runsc
