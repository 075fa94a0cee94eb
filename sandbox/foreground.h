// `runsc run` while its container runs: signals go in, the console is copied, the end is awaited.
#pragma once

#include <signal.h>

#include <optional>
#include <string>

#include "sandbox/console.h"
#include "sandbox/sandbox.h"

namespace runsc {

// Holds back the signals that are to be passed on, from before the sandbox is started, so that none is lost and none
// ends this process half-way. Restores the mask when destroyed.
class ForwardedSignals {
 public:
  ForwardedSignals();
  ~ForwardedSignals();
  ForwardedSignals(const ForwardedSignals&) = delete;
  ForwardedSignals& operator=(const ForwardedSignals&) = delete;
  int fd() const { return fd_.get(); }
  // The next pending one; nullopt: none.
  std::optional<int> next();

 private:
  sigset_t previous_;
  UniqueFd fd_;
};

// Returns the container's exit status; throws UserError as Sandbox::finish() does. `console` invalid: none.
int attend(Sandbox& sandbox, ForwardedSignals& signals, UniqueFd console, const std::string& control_socket);

}  // namespace runsc
