#include "control/transport/descriptors.h"

#include <fcntl.h>

namespace runsc::control {
namespace {

class OfferedDescriptor final : public wire::Descriptor::Server {
 public:
  explicit OfferedDescriptor(std::shared_ptr<UniqueFd> fd) : fd_(std::move(fd)) {}
  kj::Maybe<int> getFd() override { return fd_->valid() ? kj::Maybe<int>(fd_->get()) : nullptr; }

 private:
  std::shared_ptr<UniqueFd> fd_;
};

}  // namespace

wire::Descriptor::Client OfferedDescriptors::offer(UniqueFd fd) {
  fds_.push_back(std::make_shared<UniqueFd>(std::move(fd)));
  return kj::heap<OfferedDescriptor>(fds_.back());
}

void OfferedDescriptors::close() {
  for (const auto& fd : fds_) fd->reset();
}

kj::Promise<UniqueFd> take_descriptor(wire::Descriptor::Client capability) {
  auto promise = capability.getFd();
  // The capability owns what it returns, so it has to live until the copy is made.
  return promise.then([capability = kj::mv(capability)](kj::Maybe<int> fd) mutable {
    KJ_IF_MAYBE (number, fd) return UniqueFd(::fcntl(*number, F_DUPFD_CLOEXEC, 0));
    return UniqueFd();
  });
}

kj::Promise<std::vector<UniqueFd>> take_descriptors(capnp::List<wire::Descriptor>::Reader list) {
  auto promises = kj::heapArrayBuilder<kj::Promise<UniqueFd>>(list.size());
  for (wire::Descriptor::Client capability : list) promises.add(take_descriptor(kj::mv(capability)));
  return kj::joinPromises(promises.finish()).then([](kj::Array<UniqueFd> fds) {
    std::vector<UniqueFd> out;
    out.reserve(fds.size());
    for (UniqueFd& fd : fds) out.push_back(std::move(fd));
    return out;
  });
}

}  // namespace runsc::control
