// Waiting on words of shared memory across processes.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdint>

namespace runsc::seccomp {

// Sleeps while `word` holds `value`, at most `milliseconds`. False: the time is over. May return early.
inline bool futex_wait(std::uint32_t& word, std::uint32_t value, int milliseconds) {
  const timespec timeout{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  return syscall(SYS_futex, &word, FUTEX_WAIT, value, &timeout, nullptr, 0) == 0 || errno != ETIMEDOUT;
}

// Wakes every waiter: if only one were woken, it could be a thread of the application that waits on the same page.
inline void futex_wake(std::uint32_t& word) { syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace runsc::seccomp
