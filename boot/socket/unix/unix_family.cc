#include "boot/socket/unix/unix_datagram.h"
#include "boot/socket/unix/unix_stream.h"

namespace runsc {
namespace {

Result<NewSocket> checked(NewSocket wanted) {
  if (wanted.protocol != 0 && wanted.protocol != PF_UNIX) return Errno(EPROTONOSUPPORT);
  if (wanted.type == SOCK_RAW) wanted.type = SOCK_DGRAM;  // as Linux has it
  if (wanted.type != SOCK_STREAM && wanted.type != SOCK_DGRAM && wanted.type != SOCK_SEQPACKET)
    return Errno(ESOCKTNOSUPPORT);
  wanted.protocol = 0;
  return wanted;
}

SocketPtr make(const NewSocket& wanted) {
  if (wanted.type == SOCK_DGRAM) return std::make_shared<UnixDatagram>(wanted);
  return std::make_shared<UnixStream>(wanted);
}

template <typename T>
std::pair<SocketPtr, SocketPtr> make_joined(NewSocket wanted, const Sender& owner) {
  const auto one = std::make_shared<T>(wanted);
  wanted.identity.inode = wanted.second_inode;
  const auto other = std::make_shared<T>(wanted);
  T::join(one, other, owner);
  return {one, other};
}

}  // namespace

SocketFamily unix_family() {
  SocketFamily family;
  family.make = [](CurrentTask&, const NewSocket& wanted) -> Result<SocketPtr> { return make(TRY(checked(wanted))); };
  family.make_pair = [](CurrentTask&, const NewSocket& parameters) -> Result<std::pair<SocketPtr, SocketPtr>> {
    const NewSocket wanted = TRY(checked(parameters));
    const Sender owner = current_peer();
    return wanted.type == SOCK_DGRAM ? make_joined<UnixDatagram>(wanted, owner)
                                     : make_joined<UnixStream>(wanted, owner);
  };
  return family;
}

}  // namespace runsc
