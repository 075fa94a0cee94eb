#include "boot/controller/connection.h"

#include "boot/base/log.h"
#include "boot/controller/sandbox_server.h"
#include "control/transport/limits.h"
#include "control/transport/wire.h"

namespace runsc {
namespace {

namespace wire = control::wire;

// Answers that wait for a client to read them.
constexpr std::size_t kMaxUnreadBytes = 32U << 20;
// Calls that are being served, with what they carry, in words.
constexpr std::size_t kMaxCallWords = 2 * control::kMaxRequestBytes / sizeof(capnp::word);

class DoorServer final : public wire::Door::Server {
 public:
  DoorServer(ConnectionContext& context, std::shared_ptr<Requests> requests, bool refusing)
      : context_(context), requests_(std::move(requests)), refusing_(refusing) {}

  kj::Promise<void> enter(EnterContext call) override {
    const std::uint32_t version = call.getParams().getVersion();
    auto results = call.getResults();
    results.setVersion(control::kVersion);
    results.setOldest(control::kOldestVersion);
    results.setServer("runsc");
    if (refusing_) {
      control::write_failure({control::FailureCode::kLimit, "the sandbox has too many control connections"},
                             results.initFailure());
    } else if (version < control::kOldestVersion) {
      control::write_failure({control::FailureCode::kVersionMismatch, too_old(version)}, results.initFailure());
    } else {
      results.setSandbox(sandbox());
    }
    return kj::READY_NOW;
  }

 private:
  static std::string too_old(std::uint32_t version) {
    return "this runsc speaks version " + std::to_string(version) + " of the control interface, the sandbox versions " +
           std::to_string(control::kOldestVersion) + " to " + std::to_string(control::kVersion) +
           ": use the runsc that started it, or a newer one";
  }

  // One for the whole connection: a client that enters again and again gets no more.
  wire::Sandbox::Client sandbox() {
    KJ_IF_MAYBE (present, sandbox_) return *present;
    wire::Sandbox::Client made = kj::heap<SandboxServer>(context_.service, context_.workers, requests_);
    sandbox_ = made;
    return made;
  }

  ConnectionContext& context_;
  std::shared_ptr<Requests> requests_;
  bool refusing_;
  kj::Maybe<wire::Sandbox::Client> sandbox_;
};

}  // namespace

kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> WatchedStream::tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                                                 capnp::ReaderOptions options,
                                                                                 kj::ArrayPtr<capnp::word> scratch) {
  if (!may_read_()) return KJ_EXCEPTION(DISCONNECTED, "the client does not read its answers");
  return inner_.tryReadMessage(fds, options, scratch);
}

kj::Promise<void> WatchedStream::writeMessage(kj::ArrayPtr<const int> fds,
                                              kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  return inner_.writeMessage(fds, segments);
}

kj::Promise<void> WatchedStream::writeMessages(
    kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) {
  return inner_.writeMessages(messages);
}

kj::Maybe<int> WatchedStream::getSendBufferSize() { return inner_.getSendBufferSize(); }
kj::Promise<void> WatchedStream::end() { return inner_.end(); }

ControlConnection::ControlConnection(kj::Own<kj::AsyncCapabilityStream> stream, ConnectionContext& context,
                                     std::size_t max_requests)
    : context_(context),
      requests_(std::make_shared<Requests>(max_requests)),
      last_used_(context.messages),
      stream_(kj::mv(stream)),
      watched_(*stream_, [this] { return note_message(); }),
      network_(watched_, control::kMaxDescriptors, capnp::rpc::twoparty::Side::SERVER,
               control::reader_options(control::kMaxRequestBytes)),
      rpc_(capnp::makeRpcServer(network_, kj::heap<DoorServer>(context, requests_, max_requests == 0))) {
  rpc_.setFlowLimit(kMaxCallWords);
  auto paf = kj::newPromiseAndFulfiller<void>();
  closed_promise_ = kj::mv(paf.promise);
  closed_ = kj::mv(paf.fulfiller);
}

bool ControlConnection::note_message() {
  last_used_ = ++context_.messages;
  if (network_.getCurrentQueueSize() <= kMaxUnreadBytes) return true;
  LOG(WARNING) << "control: a client does not read its answers";
  close();
  return false;
}

kj::Promise<void> ControlConnection::ended() {
  return network_.onDisconnect().exclusiveJoin(kj::mv(closed_promise_)).catch_([](kj::Exception&&) {});
}

void ControlConnection::close() { closed_->fulfill(); }

}  // namespace runsc
