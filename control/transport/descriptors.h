// Open file descriptors as capabilities.
#pragma once

#include <kj/async.h>

#include <memory>
#include <vector>

#include "boot/base/unique_fd.h"
#include "control/sandbox.capnp.h"

namespace runsc::control {

// Descriptors that are offered with a request. The other side has its own copies once it has answered, but the library
// keeps the capabilities until it is told to release them; so the caller closes the descriptors itself.
class OfferedDescriptors {
 public:
  // A capability that carries `fd`. Precondition: it is valid.
  wire::Descriptor::Client offer(UniqueFd fd);
  // After the answer, not before: until then the descriptors may not have been sent.
  void close();

 private:
  std::vector<std::shared_ptr<UniqueFd>> fds_;
};

// The descriptor that came with a capability, as a copy that the caller owns; invalid when none came.
kj::Promise<UniqueFd> take_descriptor(wire::Descriptor::Client capability);

// Those of a list, in its order. Invalid entries stay in it.
kj::Promise<std::vector<UniqueFd>> take_descriptors(capnp::List<wire::Descriptor>::Reader list);

}  // namespace runsc::control
