#include "boot/controller/fuzz/fuzz_target.h"

#include <cstdlib>
#include <string>

#include "boot/controller/recorded_requests.h"

namespace runsc {

void fuzz_control_server(const std::uint8_t* data, std::size_t size) {
  const ServerFixture server;
  const UniqueFd client = server.connect();
  send_bytes(client, std::string(reinterpret_cast<const char*>(data), size), true);
  await_hang_up(client);
  if (server.client().containers().size() != 1) std::abort();
}

}  // namespace runsc
