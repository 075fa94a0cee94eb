// A container that this command starts: in a sandbox of its own, or in that of its pod.
#pragma once

#include <memory>

#include "sandbox/container_store.h"
#include "sandbox/foreground.h"
#include "sandbox/options.h"
#include "sandbox/sandbox.h"
#include "sandbox/state.h"

namespace runsc {

// The destructor takes back everything unless released.
class Launch {
 public:
  virtual ~Launch() = default;
  virtual const ContainerState& state() const = 0;
  // Of the process that callers know as the container's.
  virtual int pidfd() const = 0;
  // Until the end; returns the exit status. Throws UserError. `console` invalid: none.
  virtual int attend(ForwardedSignals& signals, UniqueFd console) = 0;
  // The container goes on without us.
  virtual void release() = 0;
};

// Creates the container, and runs it unless request.hold. The caller holds its lock; its directory exists. Throws
// UserError; nothing but the directory is left then.
std::unique_ptr<Launch> launch(const SandboxRequest& request, const RuntimeOptions& options,
                               const ContainerStore& store);

}  // namespace runsc
