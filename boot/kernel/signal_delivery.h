// Delivering signals to application code: CurrentTask::handle_work(), force_signal(), deliver_fault() and the signal
// mask are implemented here; signal_frame.h knows what the application sees on its stack.
//
// handle_work() runs on the task's own thread, between the end of a system call (or a fault, or a kick) and the next
// application instruction, with a full event:
//   1. killed: the task ends. Stopped: it sleeps until SIGCONT or SIGKILL.
//   2. signals are taken one by one: ignored, default action, or a frame for the handler. Several handlers nest.
//   3. an interrupted system call is restarted or ends with EINTR (signal(7), "Interruption of system calls").
//   4. a temporary mask (sigsuspend, ppoll) is undone unless a frame holds the old one.
#pragma once

#include "boot/kernel/current_task.h"

namespace runsc {

// A processor exception of the application (Event::Kind::kFault, the present event): becomes a signal that can be
// neither blocked nor ignored, and what sigcontext says of the trap. handle_work() must follow.
void deliver_fault(CurrentTask& task);

// rt_sigreturn(2): takes registers, mask, alternate stack and FP state from the frame on the stack. A bad frame is a
// SIGSEGV. Leaves the registers as they shall be (CurrentTask::keep_registers()).
void return_from_handler(CurrentTask& task);

}  // namespace runsc
