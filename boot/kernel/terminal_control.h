// Job control as a process meets it that uses a terminal (tty_ioctl(4), "Job control"; POSIX, "Terminal access
// control"): the same for pseudoterminals and terminals of the host.
#pragma once

#include <cstdint>
#include <memory>

#include "boot/base/result.h"
#include "boot/kernel/terminal.h"

namespace runsc {

class CurrentTask;

// Before the task of this thread reads from `terminal` (SIGTTIN), changes it, or writes with TOSTOP set (SIGTTOU). If
// it has the terminal as its controlling one and is in the background, its process group gets the signal: kRestartSys.
// EIO: the group is orphaned, or SIGTTIN is ignored or blocked. SIGTTOU is no obstacle when it is ignored or blocked.
Result<void> check_background_use(Terminal& terminal, int signal);

// Whether the ioctl changes a terminal, so that a process in the background gets SIGTTOU first.
bool changes_terminal(std::uint32_t command);

// TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID.
bool is_job_control(std::uint32_t command);

enum class TerminalSide {
  kOwn,     // the terminal itself
  kMaster,  // of a pseudoterminal: whoever has it may ask
};
// `readable`: how the file was opened, which TIOCSCTTY looks at.
Result<std::int64_t> job_control(CurrentTask& task, Terminal& terminal, TerminalSide side, bool readable,
                                 std::uint32_t command, std::uint64_t argument);

// open(2) of a terminal without O_NOCTTY makes it the controlling one of a session leader that has none, if it controls
// no session.
void acquire_on_open(CurrentTask& task, Terminal& terminal);

// The controlling terminal of the task (/dev/tty), and that of its container (/dev/console): the one of the first
// process. Null: none.
std::shared_ptr<Terminal> controlling_terminal(CurrentTask& task);
std::shared_ptr<Terminal> container_terminal(CurrentTask& task);

}  // namespace runsc
