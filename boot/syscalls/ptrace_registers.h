// The registers of a stopped tracee in the formats of ptrace(2). Everything here runs under the tree's lock.
#pragma once

#include <sys/user.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "boot/base/result.h"
#include "boot/kernel/ptrace.h"
#include "boot/platform/platform.h"

namespace runsc {

// Behind the last address that a program can have.
inline constexpr std::uint64_t kTaskSize = 0x7ffffffff000;

user_regs_struct shown_registers(Context& context, const Tracing& tracing);
// EIO: a base address that no thread can have.
Result<void> change_registers(Context& context, Tracing& tracing, const user_regs_struct& registers);

// One of the sets of PTRACE_GETREGSET, by its note type (NT_PRSTATUS ..). EINVAL: there is no such set, or too many
// bytes are given.
Result<std::vector<std::byte>> register_set(Context& context, const Tracing& tracing, std::uint64_t type);
Result<void> change_register_set(Context& context, Tracing& tracing, std::uint64_t type,
                                 std::span<const std::byte> bytes);

// DR0 to DR7 of the processor, in struct user. They are the host's: there is no room for a breakpoint in them (ENOSPC),
// as where all are taken. The status can be kept.
std::optional<unsigned> debug_register_at(std::uint64_t offset);
std::uint64_t debug_register(const Tracing& tracing, unsigned number);
Result<long> set_debug_register(Tracing& tracing, unsigned number, std::uint64_t word);

}  // namespace runsc
