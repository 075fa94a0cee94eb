// Calls that application threads make on the host without asking. One list for the filter that lets them through, for
// the check of what a guarded thread, which asks, may be told to go on with, and for the kernel that tells it so.
#pragma once

#include <asm/prctl.h>
#include <linux/futex.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace runsc {

// Waiting and waking between the application's own threads; whatever they agree on through the word is theirs. PI
// operations name host thread ids and stay with the kernel.
inline constexpr std::array<std::uint32_t, 7> kNativeFutexCommands = {
    FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET};
constexpr bool is_native_futex_command(std::uint32_t command) {
  return std::find(kNativeFutexCommands.begin(), kNativeFutexCommands.end(), command) != kNativeFutexCommands.end();
}
// What may stand beside a command.
inline constexpr std::uint32_t kFutexFlags = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;

// Sets a register; no pointer. ARCH_GET_* write to memory and can as well be answered by the kernel.
inline constexpr std::array<std::uint32_t, 2> kNativeArchPrctls = {ARCH_SET_FS, ARCH_SET_GS};

}  // namespace runsc
