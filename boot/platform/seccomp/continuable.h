// Which system calls an application thread may execute natively after the kernel has looked at their arguments.
#pragma once

#include <linux/seccomp.h>

#include "boot/platform/seccomp/reserved.h"

namespace runsc::seccomp {

// True for calls that other threads make without asking (app_filter.h), and for memory calls without pointers, whose
// arguments are registers of a stopped thread, and whose range is clear of the reserved region. The last line of
// defence: the kernel has checked the arguments already.
bool may_continue(const AddressRules& rules, const seccomp_data& call);

}  // namespace runsc::seccomp
