// What a thread of the application is made of, apart from its state.
#pragma once

#include <cstdint>
#include <optional>

#include "boot/platform/seccomp/listener.h"
#include "boot/platform/seccomp/process.h"
#include "boot/platform/seccomp/signal_frame.h"

namespace runsc::seccomp {

// Outlives a Context when it is parked: stopped in its signal handler, ready to resume as another thread of the same
// address space. The start of a host thread (clone, filter, descriptor table) costs ten times as much.
// The members' order matters: the process must end before its listener is closed, else it would see ENOSYS and go on.
struct HostThread {
  Listener listener;
  Process process;
  int area_index;
  ThreadArea area;
  bool guarded = false;                                   // has guarded_application_filter()
  std::optional<std::uint64_t> parked_at = std::nullopt;  // the notification to answer
};

}  // namespace runsc::seccomp
