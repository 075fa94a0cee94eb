// What a client sends for each method, as bytes: to be sent again in part, changed, or by nobody who listens.
#pragma once

#include <string>
#include <vector>

#include "boot/controller/server_fixture.h"

namespace runsc {

struct RecordedRequest {
  std::string name;
  std::string bytes;  // from the first byte of the connection; without the descriptors that went along
};

// One for each method of the interface, against a service that answers at once, or never (wait, events).
std::vector<RecordedRequest> record_requests();

// Sends all of `bytes` unless the other side hangs up, and no more after that when `end`. Reads nothing.
void send_bytes(const UniqueFd& socket, const std::string& bytes, bool end = false);
// Reads until the other side hangs up.
void await_hang_up(const UniqueFd& socket);

}  // namespace runsc
