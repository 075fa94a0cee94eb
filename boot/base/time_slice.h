// How long the host lets a thread run before others of the same weight have their turn.
//
// A system call of the application is a chain of hand-offs between threads that sleep in between. On a busy host a
// woken thread whose slice is shorter than that of the running one goes first (Linux 6.12), within the share of the
// processor that it has anyway; with the host's usual slice it waits for up to several milliseconds at each hand-off.
#pragma once

namespace runsc {

// For the calling thread, and all processes and threads that descend from it. A host that cannot do it stays as it is:
// nothing but speed depends on it.
void ask_for_short_time_slices();

}  // namespace runsc
