// HostConsole: a pseudoterminal of a container that shows itself on a terminal of the host.
//
// The host terminal is the replica end of a pseudoterminal whose master somebody outside reads and writes (a person's
// shell, a container engine). It is raw: it only carries bytes. Line editing, echo, signals and job control are those
// of the Pty, so that they work on the application kernel's own processes.
#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/unique_fd.h"
#include "boot/fs/devpts/console_bell.h"
#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/fs/devpts/pty.h"

namespace runsc {

// When a console ends although nobody outside hangs up.
enum class ConsoleLife {
  kSandbox,  // never: programs may close their terminal and open it again
  kSlaves,   // when no slave is open any more; who reads outside then sees the end, as with a host pseudoterminal
};

// The methods of the first part are thread-safe, those of the second belong to the thread that carries the bytes.
class HostConsole {
 public:
  // Takes the place of the master of `pty`, a node of `devpts`. `host` is made raw and non-blocking; whether it turned
  // newlines into CR NL (ONLCR) and its size are what the Pty begins with. `bell` rings when there is something to do.
  // ENOTTY: `host` is no terminal.
  static Result<std::shared_ptr<HostConsole>> make(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host,
                                                   ConsoleLife life, std::shared_ptr<ConsoleBell> bell);
  ~HostConsole();
  HostConsole(const HostConsole&) = delete;
  HostConsole& operator=(const HostConsole&) = delete;

  // Somebody has changed the size of the host terminal: TIOCGWINSZ, and SIGWINCH to the foreground if it differs.
  void copy_window_size();
  // Waits until what has been printed so far has reached the host terminal. Gives up when the console ends, and when
  // nobody outside reads for some seconds.
  void drain();

  // What poll(2) shall wait for on host(); -1 once ended.
  int host() const { return host_fd_; }
  short awaited_events() const;
  // Moves what can be moved, up to some bound. True: there is more to move at once.
  bool step();
  // Lets drain() return where that is due. The time (CLOCK_MONOTONIC) of the next look; nullopt: nobody drains.
  std::optional<std::int64_t> serve_drains();
  // As the end of a master: the session is told, open slaves are cut off, the node goes.
  void end();
  bool ended() const { return host_fd_ < 0; }

 private:
  struct Drains {
    bool ended = false;  // nothing will come any more
    std::int64_t since_ns = 0;
    std::vector<std::shared_ptr<std::latch>> waiting;
  };
  HostConsole(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host, ConsoleLife life,
              std::shared_ptr<ConsoleBell> bell);
  bool take_input();
  bool give_output();
  bool read_host();
  bool write_host();
  void note_host_error(int error);

  const PtyPtr pty_;
  const std::shared_ptr<DevptsFileSystem> devpts_;
  const ConsoleLife life_;
  const std::shared_ptr<ConsoleBell> bell_;

  // Closed by the carrying thread; the others use it under the lock.
  Guarded<UniqueFd, LockLevel::kLeaf> host_;
  Guarded<Drains, LockLevel::kLeaf> drains_;

  // Of the carrying thread.
  int host_fd_;
  ByteQueue inbound_;   // typed, for the Pty
  ByteQueue outbound_;  // printed, for the host
  std::int64_t last_progress_ns_ = 0;
};
using HostConsolePtr = std::shared_ptr<HostConsole>;

}  // namespace runsc
