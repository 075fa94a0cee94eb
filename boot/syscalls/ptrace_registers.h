// The registers of a stopped tracee in the formats of ptrace(2). Everything here runs under the tree's lock.
#pragma once

#include <sys/user.h>

#include <cstddef>
#include <span>
#include <vector>

#include "boot/base/result.h"
#include "boot/kernel/ptrace.h"
#include "boot/platform/platform.h"

namespace runsc {

user_regs_struct shown_registers(Context& context, const Tracing& tracing);
// EIO: a base address that no thread can have.
Result<void> change_registers(Context& context, Tracing& tracing, const user_regs_struct& registers);

// One of the sets of PTRACE_GETREGSET, by its note type (NT_PRSTATUS ..). EINVAL: there is no such set, or too many
// bytes are given.
Result<std::vector<std::byte>> register_set(Context& context, const Tracing& tracing, std::uint64_t type);
Result<void> change_register_set(Context& context, Tracing& tracing, std::uint64_t type,
                                 std::span<const std::byte> bytes);

}  // namespace runsc
