// For system calls that need registers beside their arguments, which cheap events do not carry.
#pragma once

#include "boot/kernel/current_task.h"

namespace runsc {

// Calls handler() with task.registers() at hand. A call whose event is not full is answered first to get at them
// (Context::capture()), and its answer is put right afterwards; so `handler` must not block or ask for a restart.
template <typename Handler>
Result<long> with_full_registers(CurrentTask& task, Handler handler) {
  if (task.event.full) return handler();
  TRY(task.context().capture(0));
  task.event.full = true;
  const Result<long> result = handler();
  task.registers().rax = static_cast<std::uint64_t>(result.ok() ? *result : -result.error().value());
  task.keep_registers();
  return result;
}

}  // namespace runsc
