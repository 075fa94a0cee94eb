// What the tree of tasks knows about one process or thread at one moment, for stat and status.
#pragma once

#include <vector>

#include "boot/fs/proc/process_view.h"

namespace runsc {

struct ProcessFacts {
  int tracer = 0;
  int tid = 0, tgid = 0, parent = 0;  // as the file system's pid namespace numbers them; 0: not visible there
  int process_group = 0, session = 0;
  std::vector<int> ns_tids, ns_tgids, ns_groups, ns_sessions;  // from the file system's namespace inwards
  std::uint64_t terminal = 0;                                  // device number of the controlling terminal
  int terminal_group = -1;                                     // its foreground process group
  char state = 'R';
  bool forked_without_exec = false, exiting = false;
  int threads = 0;
  Usage own, children;  // of the process, or of the thread
  int exit_signal = 0, exit_status = 0;
  SignalSet pending, shared_pending, blocked, ignored, caught;
  std::size_t queued_signals = 0;
};

ProcessFacts gather_facts(const ProcessView& view);

// "R (running)" and the like.
const char* state_text(char state);

}  // namespace runsc
