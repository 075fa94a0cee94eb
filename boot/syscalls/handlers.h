// The declarations of all served system calls, made from syscalls.def: Result<long> sys_<name>(CurrentTask&, ...).
#pragma once

#include "boot/base/result.h"
#include "boot/syscalls/arguments.h"

namespace runsc {

class CurrentTask;

#define SYSCALL(number, name, ...) Result<long> sys_##name(CurrentTask& task __VA_OPT__(, ) __VA_ARGS__);
#define SYSCALL_PARTIAL(number, name, lacks, ...) SYSCALL(number, name, __VA_ARGS__)
#define SYSCALL_TODO(number, name, ...)
#define SYSCALL_GAP(number, name, error, reason)
#include "boot/syscalls/syscalls.def"
#undef SYSCALL
#undef SYSCALL_PARTIAL
#undef SYSCALL_TODO
#undef SYSCALL_GAP

}  // namespace runsc
