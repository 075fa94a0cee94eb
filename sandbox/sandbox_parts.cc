#include "sandbox/sandbox_parts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "boot/loader/container_config_json.h"
#include "gofer/protocol/packet_socket.h"
#include "runsc/common/unix_address.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// Connections before the sandbox accepts them: while it starts, and while it is stopped.
constexpr int kWaitingClients = 128;

}  // namespace

UniqueFd make_config_file(const ContainerConfig& config) {
  UniqueFd fd(::memfd_create("container-config", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throw_system_error("memfd_create");
  const std::string text = container_config_to_json(config);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw_system_error("write the configuration");
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    throw_system_error("seal the configuration");
  }
  return fd;
}

UniqueFd make_control_socket(const std::string& path) {
  const UnixAddress address(path);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw_system_error("socket");
  if (::bind(socket.get(), address.get(), address.size()) != 0) throw_system_error("bind " + path);
  // Nobody connects before listen(), so the mode is in place in time.
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), kWaitingClients) != 0)
    throw_system_error("listen on " + path);
  return socket;
}

std::vector<ConnectionPair> make_connections(std::size_t count) {
  std::vector<ConnectionPair> out;
  for (std::size_t i = 0; i < count; ++i) {
    auto pair = gofer::make_socket_pair();
    if (!pair.ok()) throw_system_error("socketpair", pair.error().value());
    out.push_back({std::move(pair->client), std::move(pair->server)});
  }
  return out;
}

std::vector<UniqueFd> make_overlay_stores(const std::vector<std::string>& directories) {
  std::vector<UniqueFd> out;
  for (const std::string& directory : directories) {
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!fd && (errno == EOPNOTSUPP || errno == EROFS || errno == EACCES || errno == ENOTDIR || errno == EISDIR)) {
      // A file system without unnamed files, or one that we may not write to: the store is in memory.
      fd = UniqueFd(::memfd_create("overlay-store", MFD_CLOEXEC));
    }
    if (!fd) throw_system_error("create an overlay store in " + directory);
    out.push_back(std::move(fd));
  }
  return out;
}

std::vector<int> borrow(const std::vector<UniqueFd>& fds) {
  std::vector<int> out;
  for (const UniqueFd& fd : fds) out.push_back(fd.get());
  return out;
}

}  // namespace runsc
