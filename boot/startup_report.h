// Messages from the boot and gofer processes to the front end: one line of JSON each, over a socket that stays open for
// the life of the process. This is how an error in a process without a terminal becomes the caller's one error line.
//
// The other way goes a single byte, with which the front end lets the process go. A process whose front end is gone
// without that was being made by a command that has been killed: nobody knows of it, and it ends.
#pragma once

#include <string_view>

namespace runsc {

inline constexpr char kReleased = 'r';

// To be asked when poll(2) says that `fd` is readable.
enum class FrontEnd { kThere, kReleasedUs, kGone };
FrontEnd front_end_of(int fd);

// {"stage":STAGE,"message":MESSAGE}: the process cannot go on. Stage is a word or two for where it stands ("pivot
// root", "load", "running"); the message is one line for a person, naming what failed and why. The stage "load" is for
// the caller's own mistakes, whose message is shown without a stage; its texts are those that callers of runc match on,
// such as `exec: "nothing": executable file not found in $PATH`, `exec: "/etc": permission denied`, `exec: "/bin/x": no
// such file or directory` and `exec: "/bin/x": exec format error`. `fd` is borrowed; -1, and a reader that has gone
// away, are ignored. Async-signal-safe but for memory allocation.
void report_failure(int fd, std::string_view stage, std::string_view message);

// The message, at whatever stage, of a process that could not do its work because the container's gofer has died: who
// started the gofer knows, or soon will, how that came about.
inline constexpr std::string_view kGoferDied = "the gofer process has died";

// {"event":"started"}: start-up is over, the container's first process has been loaded (executable found, its memory
// set up) and is about to run its first instruction.
void report_started(int fd);

}  // namespace runsc
