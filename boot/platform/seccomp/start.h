// The start of a process that replaces a reserved descriptor of ours by its seccomp listener.
#pragma once

#include <cstdint>

#include "boot/platform/seccomp/listener.h"
#include "boot/platform/seccomp/process.h"

namespace runsc::seccomp {

// Waits until the listener is there, and sets it up. `ready` is the word that the process wakes us with; the
// application may spoil it, it only says when to look. False: the process has died.
bool await_listener(const Process& process, const Listener& listener, std::uint32_t& ready);

// Takes the process's first call, which must come from `process` and be the doorbell that is at `instruction_pointer`.
// nullopt: it is not (logged), or the process has died.
std::optional<Notification> receive_first_doorbell(const Process& process, const Listener& listener,
                                                   std::uint64_t instruction_pointer);

}  // namespace runsc::seccomp
