// poll(2), ppoll(2).
#include <poll.h>

#include "boot/kernel/fd_table.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"

namespace runsc {
namespace {

// Fills pollfd::revents of all entries; how many are not 0.
Result<int> poll_entries(CurrentTask& task, std::vector<pollfd>& entries, const OptionalDeadline& deadline) {
  std::vector<PolledFile> files(entries.size());
  int invalid = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].revents = 0;
    if (entries[i].fd < 0) continue;
    auto file = task.io_file(Fd{entries[i].fd});
    if (file.ok()) {
      files[i] = {std::move(*file), static_cast<std::uint16_t>(entries[i].events) | kAlwaysReported, 0};
    } else {
      entries[i].revents = POLLNVAL;
      ++invalid;
    }
  }
  const int ready =
      TRY(poll_files(task, files, invalid == 0 ? deadline : OptionalDeadline(Deadline{CLOCK_MONOTONIC, 0})));
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].revents |= static_cast<short>(files[i].ready);
  return ready + invalid;
}

Result<long> poll_until(CurrentTask& task, UserInOut<pollfd> where, unsigned count, const OptionalDeadline& deadline) {
  if (count > task.group().limits().soft(RLIMIT_NOFILE)) return Errno(EINVAL);
  auto entries = TRY(task.read_array(where.in(), count));
  const int ready = TRY(poll_entries(task, entries, deadline));
  // The other fields are the application's: another thread may have changed them meanwhile.
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const UserOut<short> revents{{where.value + i * sizeof(pollfd) + offsetof(pollfd, revents)}};
    TRY(task.write(revents, entries[i].revents));
  }
  return ready;
}

Result<long> poll_or_restart(CurrentTask& task, UserInOut<pollfd> where, unsigned count,
                             const OptionalDeadline& deadline) {
  const auto result = poll_until(task, where, count, deadline);
  if (result.ok() || result.error() != kRestartSys) return result;
  return task.restart_with([=](CurrentTask& again) { return poll_or_restart(again, where, count, deadline); });
}

}  // namespace

Result<long> sys_poll(CurrentTask& task, UserInOut<struct pollfd> where, unsigned count, int timeout_ms) {
  OptionalDeadline deadline;
  if (timeout_ms >= 0) deadline = Deadline::after(timeout_ms * std::int64_t{1'000'000});
  return poll_or_restart(task, where, count, deadline);
}

Result<long> sys_ppoll(CurrentTask& task, UserInOut<struct pollfd> where, unsigned count,
                       UserInOut<struct timespec> timeout, UserIn<SignalSet> mask, std::size_t mask_size) {
  const OptionalDeadline deadline = TRY(read_timeout(task, timeout.in()));
  TRY(apply_signal_mask(task, mask, mask_size));
  const auto result = poll_until(task, where, count, deadline);
  // Where the rest cannot be stored, Linux carries on as if it had been.
  if (deadline) (void)task.write(timeout.out(), remaining_time(*deadline));
  if (!result.ok() && result.error() == kRestartSys) return kRestartNoHandler;
  return result;
}

}  // namespace runsc
