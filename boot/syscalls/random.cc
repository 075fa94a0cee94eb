// getrandom(2): the host's random numbers.
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "boot/kernel/current_task.h"
#include "boot/syscalls/handlers.h"

namespace runsc {

Result<long> sys_getrandom(CurrentTask& task, UserOut<std::byte> to, std::size_t size, unsigned flags) {
  constexpr unsigned kInsecure = 4;  // GRND_INSECURE
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | kInsecure)) != 0) return Errno(EINVAL);
  if ((flags & GRND_RANDOM) != 0 && (flags & kInsecure) != 0) return Errno(EINVAL);
  constexpr std::size_t kLargest = 33'554'431;  // as Linux gives at once
  size = std::min(size, kLargest);
  std::array<std::byte, 4096> buffer;
  std::size_t done = 0;
  while (done < size) {
    const std::size_t step = std::min(size - done, buffer.size());
    // Up to 256 bytes come whole; more may be cut short by a signal.
    const ssize_t got = ::getrandom(buffer.data(), step, flags & GRND_NONBLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return done != 0 ? Result<long>(static_cast<long>(done)) : Result<long>(last_errno());
    const auto written = task.user_memory().write(
        to.value + done, std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got)));
    if (!written.ok() && done == 0) return written.error();
    done += written.value_or(0);
    if (written.value_or(0) < static_cast<std::size_t>(got) || task.interrupted()) break;
  }
  return static_cast<long>(done);
}

}  // namespace runsc
