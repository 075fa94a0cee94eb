// Stopping and continuing processes (signal(7), SIGSTOP and SIGCONT; wait(2), WUNTRACED and WCONTINUED).
//
// A stop has two phases: begin_stop() asks all threads to stand still, and when the last of them does, the parent hears
// of it (note_stopped()). ThreadGroupLinks::stop_reported is false exactly while a complete stop has not been waited
// for.
#pragma once

#include "boot/kernel/task.h"

namespace runsc {

// All threads of the group shall stop; each does in CurrentTask::handle_work(). No effect while it is exiting.
void begin_stop(TaskTree& tree, ThreadGroup& group, int signal);

// A thread stands still now, or ended: the parent is told if it was the last one.
void note_stopped(TaskTree& tree, ThreadGroup& group);

// SIGCONT: lets a stopped or stopping group go on and tells the parent.
void continue_group(TaskTree& tree, ThreadGroup& group);

}  // namespace runsc
