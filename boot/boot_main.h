// The entry of the boot process: what the front end has prepared, and how the two talk.
//
// When boot_main() is called the process is already contained (sandbox/boot_process.h lists the steps): pid 1 of a pid
// namespace of its own; new user, mount, ipc, uts and cgroup namespaces; a network namespace as configured; no
// capability in any set; no_new_privs; its root an empty read-only directory; an empty environment; a session of its
// own; RLIMIT_CORE 0 and RLIMIT_NOFILE raised to its hard limit; every signal unblocked and at its default disposition
// except SIGPIPE, which is ignored; dumpable, so that it may read the memory of its own children; descriptors 0, 1 and
// 2 lead to /dev/null or, 2, to the log; the only other descriptors are those below. What remains is the seccomp policy
// (boot/filter), which boot_main() installs before the application's first instruction.
#pragma once

#include <array>
#include <vector>

#include "boot/base/unique_fd.h"

namespace runsc {

struct BootOptions {
  // A sealed memfd holding the ContainerConfig (boot/loader/container_config_json.h).
  UniqueFd config;

  // Messages to whoever started the sandbox: boot/startup_report.h. Written to during start-up, and again if the
  // sandbox has to end for a reason of its own. The reader may be gone (EPIPE): without having released the sandbox,
  // the sandbox ends.
  UniqueFd report;

  // A listening Unix socket (SOCK_STREAM, <root>/<id>/control.sock): boot/controller. Invalid: no control.
  UniqueFd control;

  // Diagnostics go here, appended by several processes; invalid: nowhere. start_logging() was called with it.
  UniqueFd log;

  // The container's standard input, output and error. With ContainerConfig::terminal all three are the replica end of
  // one host pseudoterminal, which becomes the controlling terminal of the boot process: it then hears of a new size by
  // itself. ONLCR in its settings says whether the container's terminal begins with it.
  std::array<UniqueFd, 3> stdio;

  // What the first process finds as its descriptors 3, 4, ..
  std::vector<UniqueFd> preserved_fds;

  // Connections to the gofer, one for each gofer mount (ContainerMount::connection is the index): SOCK_SEQPACKET.
  // A hang-up means that the gofer has died: the sandbox then ends with report_failure(.., "running", ..).
  std::vector<UniqueFd> gofer_connections;

  // Unnamed files for overlays of the kinds "self" and "dir" (ContainerMount::overlay_store is the index), empty,
  // opened for reading and writing.
  std::vector<UniqueFd> overlay_stores;

  // The directory of a procfs of this pid namespace, mounted nowhere, with subset=pid: /proc/<pid>/* only. For
  // <agent>/mem, stat and smaps. Invalid where the host does not allow it (a /proc with masked paths).
  UniqueFd proc;

  // The read end of a pipe that holds back the first process: one byte means start, end of file means that the
  // container is deleted unstarted. Invalid (`runsc run`): start at once.
  UniqueFd start_gate;
};

// Runs the sandbox until its first container ends, and ends the process, whose exit status is the first process's own,
// or 128 + n when signal n killed it. A failure of the sandbox itself is reported through options.report; the status
// is kBootFailure then.
[[noreturn]] void boot_main(BootOptions options);

inline constexpr int kBootFailure = 128;

}  // namespace runsc
