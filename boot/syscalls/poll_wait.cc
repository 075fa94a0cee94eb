#include "boot/syscalls/poll_wait.h"

#include <algorithm>
#include <deque>

namespace runsc {
namespace {

int look(std::vector<PolledFile>& files) {
  int count = 0;
  for (PolledFile& polled : files) {
    if (!polled.file) continue;
    polled.ready = polled.file->readiness(polled.interest) & polled.interest;
    count += polled.ready != 0;
  }
  return count;
}

// A file may tell of readable data with either bit.
EventMask widened(EventMask interest) {
  if ((interest & (POLLIN | POLLRDNORM)) != 0) interest |= POLLIN | POLLRDNORM;
  if ((interest & (POLLOUT | POLLWRNORM)) != 0) interest |= POLLOUT | POLLWRNORM;
  return interest;
}

}  // namespace

Result<int> poll_files(CurrentTask& task, std::vector<PolledFile>& files, const OptionalDeadline& deadline) {
  int count = look(files);
  if (count != 0 || (deadline && deadline->passed())) return count;
  std::deque<ScopedWait> registrations;
  for (PolledFile& polled : files) {
    WaitQueue* queue = polled.file ? polled.file->wait_queue() : nullptr;
    if (queue != nullptr) registrations.emplace_back(*queue, task.task().sleeper(), widened(polled.interest));
  }
  const auto slept = task.sleep_until(deadline, [&] { return (count = look(files)) != 0; });
  if (slept.ok()) return count;
  if (slept.error() == Errno(ETIMEDOUT)) return look(files);
  return slept.error();
}

Result<void> apply_signal_mask(CurrentTask& task, UserIn<SignalSet> mask, std::size_t size) {
  if (!mask) return {};
  if (size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet wanted = TRY(task.read(mask));
  task.set_temporary_mask(wanted & ~kUnblockable);
  return {};
}

Result<OptionalDeadline> read_timeout(CurrentTask& task, UserIn<timespec> timeout) {
  if (!timeout) return OptionalDeadline();
  const timespec time = TRY(task.read(timeout));
  if (!valid_timespec(time)) return Errno(EINVAL);
  return OptionalDeadline(Deadline::after(to_ns(time)));
}

timespec remaining_time(const Deadline& deadline) {
  return to_timespec(std::max<std::int64_t>(deadline.at_ns - now_ns(deadline.clock), 0));
}

}  // namespace runsc
