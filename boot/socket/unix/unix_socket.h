// AF_UNIX sockets (unix(7)).
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "boot/socket/services.h"
#include "boot/socket/socket.h"
#include "boot/socket/unix/message_queue.h"
#include "boot/socket/unix/unix_address.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

class UnixSocket;
using UnixSocketPtr = std::shared_ptr<UnixSocket>;

// What the inode of a bound socket holds: leads to the socket while it is alive.
struct UnixBinding {
  std::weak_ptr<UnixSocket> socket;
};

// Names, and how sockets are found by them. Locks: kSocketTable (names of a namespace), then kSocket (one socket; two
// in the order of their addresses), then kPipe (a message queue). Two sockets that need each other hold the other
// weakly; what connects them are message queues, which know no sockets.
class UnixSocket : public Socket {
 public:
  UnixSocket(const NewSocket& parameters);
  ~UnixSocket() override;

  Result<void> bind(CurrentTask& task, const SocketAddress& address) override;
  Result<SocketAddress> local_address() override { return to_socket_address(name()); }
  WaitQueue* wait_queue() override { return waiters_.get(); }
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  Result<std::vector<std::byte>> get_option(CurrentTask& task, int level, int name) override;

  InFlightCount passed_files() const override { return network_->passed_files; }

  UnixAddressPtr name() const { return names_.lock()->name; }
  const NetworkNamespacePtr& network() const { return network_; }
  // Gives it an abstract name nobody has: for senders whose receivers want to know who they are. ENOSPC: none is left.
  Result<void> autobind();

  // The socket that is bound to the name. ECONNREFUSED: none; EPROTOTYPE: of another type; errors of the path walk.
  Result<UnixSocketPtr> find(CurrentTask& task, const UnixAddress& address);

 protected:
  UnixSocketPtr self() { return std::static_pointer_cast<UnixSocket>(shared_from_this()); }
  std::weak_ptr<UnixSocket> weak_self() { return self(); }
  const WaitQueuePtr& waiters() const { return waiters_; }
  std::size_t send_limit() { return options().send_buffer(); }
  // Who is at the other end, for SO_PEERCRED.
  virtual Sender peer_credentials() = 0;
  // SIOCINQ; EINVAL for a listener.
  virtual Result<std::size_t> readable_bytes() = 0;
  virtual std::size_t unsent_bytes() { return 0; }
  // An accepted socket bears its listener's name, which leads to the listener.
  void share_name(UnixAddressPtr name) { names_.lock()->name = std::move(name); }
  // Before a send or connect of a socket that must not stay anonymous (SO_PASSCRED).
  Result<void> autobind_if_wanted();

 private:
  struct Names {
    UnixAddressPtr name;
    bool in_table = false;  // an abstract name of this socket's own
    // Keeps the inode, and with it the binding, in memory.
    VfsPath place;
    std::shared_ptr<void> binding;
  };
  Result<void> bind_path(CurrentTask& task, UnixAddress address);
  // EADDRINUSE.
  Result<void> bind_abstract(UnixAddress address);
  // EINVAL: it has a name already.
  Result<void> set_names(Names names);
  const NetworkNamespacePtr network_;
  // Outlives the socket in the message queues of its peer.
  const WaitQueuePtr waiters_ = std::make_shared<WaitQueue>();
  Guarded<Names, LockLevel::kLeaf> names_;
};

// The family, for SocketServices.
SocketFamily unix_family();

}  // namespace runsc
