// A caller's foreground while a process of a sandbox runs there: signals go in, the console is copied, the end is
// awaited.
#pragma once

#include <signal.h>

#include <optional>
#include <string>
#include <vector>

#include "sandbox/console.h"
#include "sandbox/relay.h"
#include "sandbox/sandbox.h"

namespace runsc {

// Holds back the signals that are to be passed on, from before the process is started, so that none is lost and none
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

// What runs in the foreground.
class Attended {
 public:
  virtual ~Attended() = default;
  // It has come to its end when one of these is readable.
  virtual std::vector<int> pidfds() const = 0;
  virtual void send(int signal) = 0;
  // The console's size has changed.
  virtual void resize() = 0;
  // After its end: the exit status. Throws UserError.
  virtual int finish() = 0;
};

// Returns its exit status; throws UserError as finish() does. `console` invalid: none.
int attend(Attended& process, ForwardedSignals& signals, UniqueFd console);

// A sandbox with its first container.
int attend(Sandbox& sandbox, ForwardedSignals& signals, UniqueFd console, const std::string& control_socket);

// A process that has a relay.
int attend(Relay& relay, ForwardedSignals& signals, UniqueFd console);

}  // namespace runsc
