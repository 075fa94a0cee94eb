// HostConsoles: all consoles of a sandbox that show themselves on host terminals, and the thread that carries their
// bytes.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/unique_fd.h"
#include "boot/fs/devpts/host_console.h"

namespace runsc {

// Thread-safe. The thread begins with the first console, and sleeps in poll(2) while nothing happens.
class HostConsoles {
 public:
  HostConsoles() = default;
  ~HostConsoles();
  HostConsoles(const HostConsoles&) = delete;
  HostConsoles& operator=(const HostConsoles&) = delete;

  // From now on a change of the size of `terminal`, or of any other console's, is noticed by itself when the host says
  // so by SIGWINCH: makes `terminal` the controlling terminal of this process, which must lead a session that has none,
  // and blocks SIGWINCH for this thread. For the main thread before it starts others, and before the seccomp filter.
  // EPERM: it controls another session of the host.
  Result<void> watch_window_size(int terminal);

  // `pty`, a node of `devpts` that has an open slave, shows itself on `host` (HostConsole::make()) until it ends.
  Result<HostConsolePtr> show(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host, ConsoleLife life);
  // HostConsole::copy_window_size() of all: who changed the size of one says only that.
  void copy_window_sizes();
  // HostConsole::drain() of all.
  void drain();

 private:
  struct State {
    std::vector<HostConsolePtr> consoles;
    std::shared_ptr<ConsoleBell> bell;
    bool stopping = false;
    std::thread thread;
  };
  std::vector<HostConsolePtr> consoles() const { return state_.lock()->consoles; }
  Result<std::shared_ptr<ConsoleBell>> bell();
  void run(ConsoleBell& bell);
  bool take_turn(ConsoleBell& bell);
  void wait(ConsoleBell& bell, const std::vector<HostConsolePtr>& consoles, int timeout);

  UniqueFd size_signal_;  // signalfd for SIGWINCH, or invalid
  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
