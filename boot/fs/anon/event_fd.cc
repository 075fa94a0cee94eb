#include "boot/fs/anon/event_fd.h"

#include <sys/eventfd.h>

namespace runsc {
namespace {

constexpr std::uint64_t kMax = ~0ULL - 1;

}  // namespace

EventFd::EventFd(unsigned initial, int flags)
    : AnonFile("eventfd", OpenFlags{O_RDWR | (flags & EFD_NONBLOCK)}),
      count_(initial),
      semaphore_((flags & EFD_SEMAPHORE) != 0) {}

Result<std::size_t> EventFd::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (sink.remaining() < sizeof(std::uint64_t)) return Errno(EINVAL);
  auto count = count_.lock();
  if (*count == 0) return Errno(EAGAIN);
  const std::uint64_t value = semaphore_ ? 1 : *count;
  *count -= value;
  count.unlock();
  queue_.notify(POLLOUT | POLLWRNORM);
  return put_object(sink, value);
}

Result<std::size_t> EventFd::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (source.remaining() < sizeof(std::uint64_t)) return Errno(EINVAL);
  // Looked at first: whether it fits depends on the value, and what does not fit is written again later.
  std::uint64_t value = 0;
  if (TRY(source.peek(std::as_writable_bytes(std::span(&value, 1)))) < sizeof value) return Errno(EFAULT);
  if (value > kMax) return Errno(EINVAL);
  {
    auto count = count_.lock();
    if (value > kMax - *count) return Errno(EAGAIN);
    *count += value;
  }
  std::uint64_t taken = 0;  // what counts is what was looked at
  (void)source.take(std::as_writable_bytes(std::span(&taken, 1)));
  if (value != 0) queue_.notify(POLLIN | POLLRDNORM);
  return sizeof value;
}

EventMask EventFd::readiness(EventMask) {
  const std::uint64_t count = *count_.lock();
  return (count != 0 ? POLLIN | POLLRDNORM : 0) | (count < kMax ? POLLOUT | POLLWRNORM : 0);
}

}  // namespace runsc
