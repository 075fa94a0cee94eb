// A container that joins the sandbox of another one: a gofer of its own, a place in the sandbox's kernel, and a relay
// as the process that callers know.
#pragma once

#include <memory>
#include <string>

#include "sandbox/container_store.h"
#include "sandbox/options.h"
#include "sandbox/relay.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "sandbox/state.h"

namespace runsc {

// The destructor takes back everything, in the sandbox too, unless released.
class JoinedContainer {
 public:
  // The container is loaded and waits for start(); its state is "created". The caller holds its lock; its directory
  // exists. `sandbox` is from load_sandbox(). Throws UserError; nothing but the directory is left then.
  static JoinedContainer create(const SandboxRequest& request, const RuntimeOptions& options,
                                const ContainerStore& store, const ContainerState& sandbox);
  JoinedContainer(JoinedContainer&&) = default;
  ~JoinedContainer();

  const ContainerState& state() const { return state_; }
  Relay& relay() { return *relay_; }
  const Relay& relay() const { return *relay_; }
  // Runs its first process; saves the state "running".
  void start(const ContainerStore& store);
  // It goes on without us.
  void release();

 private:
  JoinedContainer(std::string control_socket, SpawnedProcess gofer, std::unique_ptr<Relay> relay, ContainerState state);

  void make_in_sandbox();

  std::string control_socket_;
  SpawnedProcess gofer_;
  std::unique_ptr<Relay> relay_;  // null: released
  ContainerState state_;
};

// Ends a container that has joined a sandbox, whatever is left of it.
void destroy_joined(const ContainerStore& store, const ContainerState& state);

}  // namespace runsc
