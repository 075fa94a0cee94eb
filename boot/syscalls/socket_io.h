// What the system calls of sockets have in common.
#pragma once

#include "boot/kernel/current_task.h"
#include "boot/socket/socket.h"

namespace runsc {

// EBADF, ENOTSOCK.
Result<SocketPtr> socket_of(CurrentTask& task, Fd fd);

// EINVAL: longer than any address.
Result<SocketAddress> read_address(CurrentTask& task, UserIn<sockaddr> from, unsigned length);
// Stores as much as the application has room for, and the full length. EINVAL: a negative length.
Result<void> write_address(CurrentTask& task, const SocketAddress& address, UserOut<sockaddr> to,
                           UserInOut<unsigned> length);

// Does `attempt` until its result is not EAGAIN, waiting for `events` in between unless `nonblocking`. `timeout`: of
// SO_RCVTIMEO or SO_SNDTIMEO; EAGAIN when it has passed. A signal: EINTR if there is a time-out, else a restart.
template <typename Attempt>
auto retry_until_ready(CurrentTask& task, Socket& socket, EventMask events, bool nonblocking,
                       std::optional<std::int64_t> timeout, Attempt attempt) -> decltype(attempt()) {
  auto result = attempt();
  const auto again = [&] { return !result.ok() && result.error() == Errno(EAGAIN); };
  if (!again() || nonblocking) return result;
  const auto deadline = timeout ? OptionalDeadline(Deadline::after(*timeout)) : std::nullopt;
  const auto waited = task.wait(*socket.wait_queue(), events, deadline, [&] {
    result = attempt();
    return !again();
  });
  if (waited.ok() || waited.error() == Errno(ETIMEDOUT)) return result;
  return deadline ? Errno(EINTR) : waited.error();
}

}  // namespace runsc
