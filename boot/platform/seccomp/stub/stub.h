// The stub's code as linked into the boot process, where it is only data to copy (see stub_image.h).
#pragma once

#include <cstdint>

#include "boot/platform/seccomp/stub/layout.h"

extern "C" {
// Bounds of the section, provided by the linker.
extern const char __start_runsc_stub[];
extern const char __stop_runsc_stub[];

extern const char stub_zygote_entry[];
extern const char stub_native_call[];
extern const char stub_signal_handler[];
extern const char stub_restorer[];
// Addresses just after a syscall instruction, as a seccomp filter sees the instruction pointer.
extern const char stub_start_dup3[];
extern const char stub_start_close[];
extern const char stub_start_close_range[];
extern const char stub_start_wake[];
extern const char stub_start_doorbell[];
extern const char stub_doorbell[];
extern const char stub_sigreturn[];
extern const char stub_rseq[];

extern const char stub_worker_doorbell[];
}

namespace runsc::seccomp {

// Where a label of the stub lies in every application's address space.
inline std::uint64_t stub_address(const char* label) {
  return STUB_BASE + static_cast<std::uint64_t>(label - __start_runsc_stub);
}

}  // namespace runsc::seccomp
