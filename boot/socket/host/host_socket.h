// HostSocket: a socket of the application that a socket of the host stands behind. What the families that are backed
// by the host have in common.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "boot/base/unique_fd.h"
#include "boot/kernel/host_poller.h"
#include "boot/socket/services.h"
#include "boot/socket/socket.h"

namespace runsc {

// A new non-blocking socket of the host, whatever the application wants: it is the task that waits, not the host call.
// Errors of socket(2); EMFILE is told as ENFILE, because it is not the application's limit that was reached.
Result<UniqueFd> make_host_socket(int domain, int type, int protocol);

// `parameters` with the host socket's inode number, so that tables of the host (/proc/net/tcp) name the sockets as
// /proc/<pid>/fd does.
NewSocket with_host_inode(const UniqueFd& host, NewSocket parameters);

// The result of a host call whose failure is the application's concern: retried on EINTR, not logged.
template <typename Call>
auto host_result(Call call) -> Result<decltype(call())> {
  decltype(call()) value;
  do {
    value = call();
  } while (value < 0 && errno == EINTR);
  if (value < 0) return last_errno();
  return value;
}

// A buffer between application and host: small ones lie on the stack. Not initialised.
class TransferBuffer {
 public:
  // What one call moves at most, except for `largest` of a datagram.
  static constexpr std::size_t kPiece = 64 * 1024;

  explicit TransferBuffer(std::size_t size) : size_(size) {
    if (size > sizeof small_) big_ = std::make_unique_for_overwrite<std::byte[]>(size);
  }
  std::span<std::byte> span() { return {big_ ? big_.get() : small_, size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> big_;
  std::byte small_[2048];
};

// Thread-safe, as the host's socket is.
class HostSocket : public Socket {
 public:
  // `poller` must outlive the socket.
  HostSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters);
  ~HostSocket() override;

  Result<void> shutdown(int how) override;
  Result<SocketAddress> local_address() override;
  Result<SocketAddress> peer_address() override;
  // Those of host_options.h; time-outs and what has no meaning to the host are SocketOptions'.
  Result<void> set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) override;
  Result<std::vector<std::byte>> get_option(CurrentTask& task, int level, int name) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override;

 protected:
  int host() const { return host_.get(); }
  HostPoller& poller() { return poller_; }

  bool is_stream() const { return type() == SOCK_STREAM; }
  // sendmsg(2), never waiting, never raising SIGPIPE. `flags`: as the host gets them.
  Result<std::size_t> host_send(const msghdr& message, int flags);
  // One recvmsg(2) of at most `room` bytes.
  Result<Received> receive_piece(const ReceiveRequest& request, std::size_t room);

  // setsockopt(2); the option must be one of host_options.h.
  Result<void> host_set(int level, int name, std::span<const std::byte> value);

 private:
  Result<std::vector<std::byte>> host_get(int level, int name, std::size_t room);
  Result<void> set_socket_option(CurrentTask& task, int name, std::span<const std::byte> value);
  Result<void> set_linger(CurrentTask& task, std::span<const std::byte> value);

  HostPoller& poller_;
  const UniqueFd host_;
  WaitQueue queue_;
  // Only sockets that somebody waits for are in the poller's set: the host tells it of every packet.
  std::once_flag poll_once_;
  std::atomic<bool> polled_{false};
};

}  // namespace runsc
