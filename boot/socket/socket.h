// Socket: what all families have in common; what boot/syscalls calls.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "boot/socket/address.h"
#include "boot/socket/ancillary.h"
#include "boot/socket/socket_options.h"
#include "boot/vfs/anonymous_file.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class Socket;
using SocketPtr = std::shared_ptr<Socket>;

// One sendmsg(2). `ancillary.files` is taken only when the message was sent.
struct SendRequest {
  IoSource& source;
  int flags = 0;                      // MSG_*
  const SocketAddress* to = nullptr;  // null: the connected peer
  CurrentTask* task = nullptr;        // the sender; needed to find `to`
  Ancillary ancillary;
  // Control messages that are the family's own (Socket::takes_control), as the application gave them; well-formed
  // (struct cmsghdr .., each padded), their contents not checked.
  std::vector<std::byte> control{};
};

// One recvmsg(2).
struct ReceiveRequest {
  IoSink& sink;
  int flags = 0;  // MSG_*
};
struct Received {
  std::size_t bytes = 0;        // put into the sink
  std::size_t full_length = 0;  // of the message, for MSG_TRUNC
  int flags = 0;                // MSG_TRUNC, MSG_EOR
  SocketAddress from;           // length 0: not told
  PassedFiles files;
  std::optional<Sender> credentials;  // when SO_PASSCRED wants them
  // Control messages of the family's own, ready for the application (struct cmsghdr .., each padded).
  std::vector<std::byte> control;
};

// Thread-safe. Like all file operations these never wait: EAGAIN, and wait_queue() tells when to try again (POLLIN for
// receive and accept, POLLOUT for send). connect() is the exception, because what ends its wait is the family's.
// The defaults return EOPNOTSUPP.
class Socket : public FileDescription {
 public:
  // `type` without SOCK_CLOEXEC and SOCK_NONBLOCK; `flags`: O_NONBLOCK.
  Socket(int domain, int type, int protocol, int flags, const AnonymousIdentity& identity);

  int domain() const { return domain_; }
  int type() const { return type_; }
  int protocol() const { return protocol_; }
  SocketOptions& options() { return options_; }

  virtual Result<void> bind(CurrentTask& task, const SocketAddress& address);
  virtual Result<void> listen(CurrentTask& task, int backlog);
  // Waits unless the file is non-blocking (EAGAIN, EINPROGRESS).
  virtual Result<void> connect(CurrentTask& task, const SocketAddress& address);
  // `flags`: O_NONBLOCK of the new one.
  virtual Result<SocketPtr> accept(int flags);
  virtual Result<std::size_t> send(SendRequest& request);
  virtual Result<Received> receive(const ReceiveRequest& request);
  virtual Result<void> shutdown(int how);
  virtual Result<SocketAddress> local_address();
  virtual Result<SocketAddress> peer_address();
  // Whether EPIPE comes with SIGPIPE.
  virtual bool raises_sigpipe() const { return type_ == SOCK_STREAM; }
  // The count of descriptors in its messages; null: the family passes none (SCM_RIGHTS is EINVAL).
  virtual InFlightCount passed_files() const { return nullptr; }
  // Whether send() looks at SendRequest::control. Otherwise messages of other levels than SOL_SOCKET are left out.
  virtual bool takes_control() const { return false; }
  // Options that the family has, or has in its own way; the base class has SOL_SOCKET's shared ones.
  virtual Result<void> set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value);
  virtual Result<std::vector<std::byte>> get_option(CurrentTask& task, int level, int name);

  // The commands about network interfaces, which sockets of every family know; ENOTTY otherwise.
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  std::string anonymous_name() const override;
  Result<FileAttributes> attributes() override { return attributes_; }
  // By way of receive() and send().
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;

 protected:
  // SO_ERROR: returned once. 0: none.
  virtual int take_error() { return 0; }
  virtual bool listening() const { return false; }
  const AnonymousIdentity& identity() const { return identity_; }

 private:
  const int domain_, type_, protocol_;
  const AnonymousIdentity identity_;
  const FileAttributes attributes_;
  SocketOptions options_;
};

}  // namespace runsc
