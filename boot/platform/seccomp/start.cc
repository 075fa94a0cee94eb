#include "boot/platform/seccomp/start.h"

#include "boot/base/log.h"
#include "boot/platform/seccomp/futex.h"
#include "boot/platform/seccomp/messages.h"

namespace runsc::seccomp {
namespace {

// How long to wait before asking whether the process still lives.
constexpr int kPatienceMilliseconds = 100;

}  // namespace

bool await_listener(const Process& process, const Listener& listener, std::uint32_t& ready) {
  for (;;) {
    const std::uint32_t seen = shared_word(ready).load(std::memory_order_acquire);
    if (seen != 0 && listener.enable_sync_wake_up().ok()) return true;
    if (futex_wait(ready, seen, kPatienceMilliseconds)) continue;
    if (listener.enable_sync_wake_up().ok()) return true;
    if (!process.alive()) return false;
  }
}

std::optional<Notification> receive_first_doorbell(const Process& process, const Listener& listener,
                                                   std::uint64_t instruction_pointer) {
  const auto first = listener.receive();
  if (!first) return std::nullopt;
  if (first->pid == static_cast<std::uint32_t>(process.pid()) && first->data.nr == DOORBELL_NUMBER &&
      first->data.instruction_pointer == instruction_pointer)
    return first;
  LOG(ERROR) << "the first call of application process " << process.pid() << " is not its doorbell";
  return std::nullopt;
}

}  // namespace runsc::seccomp
