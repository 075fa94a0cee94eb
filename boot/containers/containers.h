// Containers: all containers of the sandbox, as the control server asks for them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/containers/container.h"
#include "boot/containers/container_environment.h"
#include "boot/controller/service.h"

namespace runsc {

// Thread-safe. One per sandbox; lives until the sandbox ends, which it does with its first container.
class Containers : public ControlService {
 public:
  // Sets kernel.on_orphan_exit. `on_first_end` is called with the wait status when the first container has ended, on
  // whatever thread saw it.
  Containers(Kernel& kernel, VfsServicesPtr services, std::function<void(int status)> on_first_end);
  ~Containers() override;

  // The first container, which is created like every other but whose failure ends the sandbox. nullopt: it is loaded.
  std::optional<CreateFailure> create_first(ContainerConfig config, ContainerFiles files);
  // Readable when a gofer has died: then call serve_gofers(), on any one thread.
  int gofer_events() const { return environment_.gofers.fd(); }
  // The processes of further containers whose gofer has died are killed. True: the first container's has.
  bool serve_gofers();

  control::Outcome<std::vector<int>> create_container(control::CreateRequest request) override;
  control::Outcome<void> start_container(const std::string& id) override;
  control::Outcome<void> destroy_container(const std::string& id) override;
  control::Outcome<int> exec(control::ExecRequest request) override;
  ControlSubscriptionPtr wait_container(const std::string& id, WaitCallback done) override;
  ControlSubscriptionPtr wait_process(const std::string& id, int pid, WaitCallback done) override;
  ControlSubscriptionPtr subscribe(const std::string* id, EventCallback event, control::Failure& failure) override;
  control::Outcome<void> signal(const std::string& id, control::SignalTarget target, int number) override;
  control::Outcome<std::vector<control::ProcessInfo>> processes(const std::string& id) override;
  control::Outcome<control::Stats> stats(const std::string& id) override;
  control::Outcome<void> pause(const std::string& id) override;
  control::Outcome<void> resume(const std::string& id) override;
  control::Outcome<void> resize(const std::string& id, int pid, ConsoleSize size) override;
  control::Outcome<void> update(const std::string& id, const control::Limits& limits) override;
  control::Outcome<std::string> stacks() override;
  control::Outcome<void> set_logging(bool debug, bool strace) override;
  control::Outcome<std::vector<control::ContainerInfo>> containers() override;

 private:
  // Null while it is made.
  using Table = std::map<std::string, ContainerPtr>;

  control::Outcome<ContainerPtr> find(const std::string& id) const;
  control::Outcome<JoinedNamespaces> join(const NamespaceSharing& share) const;
  control::Outcome<void> reserve(const std::string& id);

  ContainerEnvironment environment_;
  Guarded<Table, LockLevel::kController> table_;
};

}  // namespace runsc
