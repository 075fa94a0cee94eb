// Requests of rtnetlink(7): what of an application's message the host may see.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "boot/base/result.h"

namespace runsc {

// The next message of a buffer, header included, and what follows it. Ends quietly where the rest is no whole message,
// as the host's kernel does.
class NetlinkMessages {
 public:
  explicit NetlinkMessages(std::span<const std::byte> buffer) : rest_(buffer) {}
  // Empty: no more.
  std::span<const std::byte> next();

 private:
  std::span<const std::byte> rest_;
};

// `message` holds a header and exactly its length. An empty result: nothing to do but what NLM_F_ACK asks for.
// Otherwise a message of our own making that asks for the same: a known question, its fixed part in full length, and
// attributes that are known to belong to questions. EPERM: a change; EOPNOTSUPP: neither known nor a change; EINVAL:
// malformed.
Result<std::vector<std::byte>> checked_route_request(std::span<const std::byte> message);

// NLMSG_ERROR about `message`; `error` 0: an acknowledgement. `port`: the receiver's nl_pid. `header_only`: as
// NETLINK_CAP_ACK wants it, and as acknowledgements are.
std::vector<std::byte> netlink_answer(std::span<const std::byte> message, int error, std::uint32_t port,
                                      bool header_only);

}  // namespace runsc
