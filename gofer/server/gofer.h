// The gofer process: serves the connections of one container.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "gofer/server/session.h"

namespace runsc::gofer {

// One mount and its connection.
struct GoferMount {
  UniqueFd socket;  // the server's end of make_socket_pair()
  UniqueFd root;    // O_PATH: a directory, or the single file of a bind mount
  MountPolicy policy;
};

struct GoferOptions {
  // O_PATH | O_DIRECTORY of this process's own /proc/self/fd, for processes that have no /proc any more: opened by the
  // process itself, after its last fork and before pivot_root. Empty: run_gofer opens it.
  UniqueFd proc_self_fd;
  // Handles for each connection. 0: what RLIMIT_NOFILE (raised to its hard limit) leaves, divided among the mounts.
  std::uint32_t max_handles = 0;
  // Called with the number of proc_self_fd when everything is set up and before the first request is read; every
  // thread must be confined when it returns. Usually install_gofer_filter (gofer/filter); empty only in tests.
  std::function<Result<void>(int)> install_filter;
};

// Makes the calling process (or, after unshare(CLONE_FS), the calling thread) fit to run sessions: no umask, and
// /proc/self/fd as its working directory.
Result<void> prepare_thread(int proc_self_fd);

// Opens what GoferOptions::proc_self_fd describes.
Result<UniqueFd> open_proc_self_fd();

// Serves until every connection has ended, and returns the process's exit status. For a process of its own: changes its
// umask, working directory, limits and signal dispositions (SIGPIPE and SIGXFSZ are ignored). Namespaces, root, user
// and capabilities are the caller's work, done before; so is start_logging. Call with one thread.
int run_gofer(std::vector<GoferMount> mounts, GoferOptions options);

}  // namespace runsc::gofer
