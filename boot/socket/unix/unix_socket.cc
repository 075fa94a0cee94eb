#include "boot/socket/unix/unix_socket.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstdio>

#include "boot/kernel/current_task.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

constexpr Fd kCurrentDirectory{AT_FDCWD};
// Names of autobind(): five hexadecimal digits.
constexpr unsigned kAutobindNames = 1 << 20;

std::shared_ptr<UnixBinding> binding_of(Inode& inode) {
  return std::static_pointer_cast<UnixBinding>(inode.attachment());
}

}  // namespace

UnixSocket::UnixSocket(const NewSocket& parameters)
    : Socket(AF_UNIX, parameters.type, parameters.protocol, parameters.flags, parameters.identity),
      network_(parameters.network) {}

UnixSocket::~UnixSocket() {
  Names names = std::move(*names_.lock());
  if (names.in_table) {
    auto table = network_->unix_names.lock();
    const auto it = table->find({type(), names.name->text});
    if (it != table->end() && it->second.expired()) table->erase(it);  // else the name has a new owner already
  }
  if (names.place && names.binding) {
    if (const InodePtr inode = names.place.dentry->inode()) inode->detach(names.binding);
  }
}

Result<void> UnixSocket::set_names(Names names) {
  auto own = names_.lock();
  if (own->name) return Errno(EINVAL);
  std::swap(*own, names);
  return {};
}

Result<void> UnixSocket::bind_abstract(UnixAddress address) {
  const auto name = std::make_shared<const UnixAddress>(std::move(address));
  auto table = network_->unix_names.lock();
  const auto it = table->find({type(), name->text});
  if (it != table->end() && !it->second.expired()) return Errno(EADDRINUSE);
  TRY(set_names({name, true, {}, nullptr}));
  table->insert_or_assign({type(), name->text}, self());
  return {};
}

Result<void> UnixSocket::autobind() {
  if (name()) return {};
  // Begins at a place of its own, so that not all sockets try the same names.
  const unsigned start = static_cast<unsigned>(identity().inode * 2654435761U);
  for (unsigned i = 0; i < kAutobindNames; ++i) {
    char text[8];
    std::snprintf(text, sizeof text, "%05x", (start + i) % kAutobindNames);
    const auto bound = bind_abstract({std::string(1, '\0') + text});
    if (bound.ok() || bound.error() == Errno(EINVAL)) return {};  // EINVAL: another thread was faster
  }
  return Errno(ENOSPC);
}

Result<void> UnixSocket::autobind_if_wanted() { return options().pass_credentials() ? autobind() : Result<void>(); }

Result<void> UnixSocket::bind_path(CurrentTask& task, UnixAddress address) {
  if (name()) return Errno(EINVAL);
  const auto made = make_socket(task, address.text);
  if (!made.ok()) return made.error() == Errno(EEXIST) ? Errno(EADDRINUSE) : made.error();
  const VfsPath& place = *made;
  const InodePtr inode = place.dentry->inode();
  // Another process may have replaced what was made.
  if (inode == nullptr || inode->type() != S_IFSOCK) return Errno(EADDRINUSE);
  const auto binding = std::make_shared<UnixBinding>(UnixBinding{self()});
  if (inode->attach_once(binding) != binding) return Errno(EADDRINUSE);
  const auto named = set_names({std::make_shared<const UnixAddress>(std::move(address)), false, place, binding});
  if (!named.ok()) inode->detach(binding);
  return named;
}

Result<void> UnixSocket::bind(CurrentTask& task, const SocketAddress& address) {
  UnixAddress wanted = TRY(UnixAddress::parse(address));
  if (wanted.text.empty()) return autobind();
  if (wanted.abstract()) return bind_abstract(std::move(wanted));
  return bind_path(task, std::move(wanted));
}

Result<UnixSocketPtr> UnixSocket::find(CurrentTask& task, const UnixAddress& address) {
  UnixSocketPtr found;
  if (address.abstract()) {
    auto table = network_->unix_names.lock();
    const auto it = table->find({type(), address.text});
    if (it != table->end()) found = it->second.lock();
  } else {
    const WalkFrom from = TRY(walk_from(task, kCurrentDirectory, address.text));
    const VfsPath place = TRY(walk(task, from, address.text));
    TRY(check_access(task, place, kMayWrite));
    const InodePtr inode = place.dentry->inode();
    if (inode == nullptr || inode->type() != S_IFSOCK) return Errno(ECONNREFUSED);
    if (const auto binding = binding_of(*inode)) found = binding->socket.lock();
  }
  if (found == nullptr) return Errno(ECONNREFUSED);
  if (found->type() != type()) return Errno(EPROTOTYPE);
  return found;
}

Result<std::int64_t> UnixSocket::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (command != SIOCINQ && command != SIOCOUTQ) return Socket::ioctl(task, command, argument);
  const std::size_t count = command == SIOCINQ ? TRY(readable_bytes()) : unsent_bytes();
  TRY(task.write(UserOut<int>{{argument}}, static_cast<int>(count)));
  return 0;
}

Result<std::vector<std::byte>> UnixSocket::get_option(CurrentTask& task, int level, int name) {
  if (level != SOL_SOCKET || name != SO_PEERCRED) return Socket::get_option(task, level, name);
  const Sender peer = peer_credentials();
  return option_bytes(peer.group ? shown_credentials(task, peer) : ucred{0, ~0U, ~0U});
}

}  // namespace runsc
