// epoll(7).
#include "boot/fs/anon/epoll.h"

#include <climits>

#include "boot/kernel/fd_table.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"

namespace runsc {
namespace {

constexpr int kMaxEvents = INT_MAX / sizeof(epoll_event);

Result<std::shared_ptr<Epoll>> epoll_of(CurrentTask& task, Fd fd) {
  auto epoll = std::dynamic_pointer_cast<Epoll>(TRY(task.io_file(fd)));
  if (epoll == nullptr) return Errno(EINVAL);
  return epoll;
}

// One waiter of several hears of an event; when it does not take it all, or goes away without taking it, the next must.
class Turn {
 public:
  Turn(Epoll& epoll, Waiter& waiter) : epoll_(epoll), waiter_(waiter) {
    epoll.wait_queue()->add_exclusive(waiter, POLLIN);
  }
  ~Turn() { epoll_.wait_queue()->remove(waiter_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Epoll& epoll_;
  Waiter& waiter_;
};

Result<std::vector<epoll_event>> wait_for_events(CurrentTask& task, Epoll& epoll, std::size_t limit,
                                                 const OptionalDeadline& deadline) {
  auto events = epoll.harvest(limit);
  if (!events.empty() || (deadline && deadline->passed())) return events;
  Turn turn(epoll, task.task().sleeper());
  const auto slept = task.sleep_until(deadline, [&] {
    if (epoll.maybe_ready()) events = epoll.harvest(limit);
    return !events.empty();
  });
  if (slept.ok() || slept.error() == Errno(ETIMEDOUT)) return events;
  return Errno(EINTR);  // never restarted: signal(7)
}

Result<long> epoll_until(CurrentTask& task, Fd fd, UserOut<epoll_event> where, int limit,
                         const OptionalDeadline& deadline) {
  if (limit <= 0 || limit > kMaxEvents) return Errno(EINVAL);
  const auto epoll = TRY(epoll_of(task, fd));
  const auto events = wait_for_events(task, *epoll, limit, deadline);
  epoll->pass_on();
  if (!events.ok()) return events.error();
  TRY(task.write_array(where, std::span<const epoll_event>(*events)));
  return static_cast<long>(events->size());
}

OptionalDeadline deadline_ms(int timeout) {
  if (timeout < 0) return std::nullopt;
  return Deadline::after(timeout * std::int64_t{1'000'000});
}

}  // namespace

Result<long> sys_epoll_create1(CurrentTask& task, int flags) {
  if ((flags & ~EPOLL_CLOEXEC) != 0) return Errno(EINVAL);
  const Fd fd = TRY(task.install(std::make_shared<Epoll>(), (flags & EPOLL_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_epoll_create(CurrentTask& task, int size) {
  if (size <= 0) return Errno(EINVAL);
  return sys_epoll_create1(task, 0);
}

Result<long> sys_epoll_ctl(CurrentTask& task, Fd epfd, int operation, Fd fd, UserIn<struct epoll_event> where) {
  epoll_event event{};
  if (operation != EPOLL_CTL_DEL) event = TRY(task.read(where));
  const FilePtr instance = TRY(task.io_file(epfd));
  const FilePtr target = TRY(task.io_file(fd));
  if (!target->pollable()) return Errno(EPERM);
  const auto epoll = std::dynamic_pointer_cast<Epoll>(instance);
  if (epoll == nullptr) return Errno(EINVAL);
  TRY(epoll->control(operation, fd, target, event));
  return 0;
}

Result<long> sys_epoll_wait(CurrentTask& task, Fd epfd, UserOut<struct epoll_event> events, int limit, int timeout) {
  return epoll_until(task, epfd, events, limit, deadline_ms(timeout));
}

Result<long> sys_epoll_pwait(CurrentTask& task, Fd epfd, UserOut<struct epoll_event> events, int limit, int timeout,
                             UserIn<SignalSet> mask, std::size_t mask_size) {
  TRY(apply_signal_mask(task, mask, mask_size));
  return epoll_until(task, epfd, events, limit, deadline_ms(timeout));
}

Result<long> sys_epoll_pwait2(CurrentTask& task, Fd epfd, UserOut<struct epoll_event> events, int limit,
                              UserIn<struct timespec> timeout, UserIn<SignalSet> mask, std::size_t mask_size) {
  const OptionalDeadline deadline = TRY(read_timeout(task, timeout));
  TRY(apply_signal_mask(task, mask, mask_size));
  return epoll_until(task, epfd, events, limit, deadline);
}

}  // namespace runsc
