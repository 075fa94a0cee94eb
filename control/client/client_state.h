// One connection of a client.
#pragma once

#include <capnp/rpc-twoparty.h>

#include "control/client/event_loop.h"
#include "control/transport/limits.h"
#include "control/transport/wire.h"

namespace runsc::control {

// The order of the members is that of their lives.
struct Client::State {
  State(UniqueFd socket, std::chrono::milliseconds patience)
      : io(thread_event_loop()),
        stream(io->lowLevelProvider->wrapUnixSocketFd(kj::AutoCloseFd(socket.release()))),
        network(*stream, kFdsInAnswers, capnp::rpc::twoparty::Side::CLIENT, reader_options(kMaxAnswerBytes)),
        rpc(capnp::makeRpcClient(network)),
        patience(patience) {}

  // Sends a request and returns what `take` makes of the response.
  template <typename Request, typename Take>
  auto ask(Request&& request, Take take) {
    const Flush flush{*io};
    auto response = await(*io, kj::Promise<ResponseOf<Request>>(request.send()), patience);
    if (response.hasFailure()) throw refusal(response.getFailure());
    return take(response);
  }
  template <typename Request>
  void send(Request&& request) {
    ask(request, [](auto&) {});
  }

  // Of a response with a failure.
  static ControlError refusal(wire::Failure::Reader failure) {
    Failure reason = read_failure(failure);
    if (reason.message.empty()) reason.message = "the sandbox refused without a reason";
    return {ControlError::Cause::kRefused, reason.code, reason.message};
  }

  // Sends what the end of a request has left to send. Otherwise it would be sent with the next one, where a sandbox
  // that has just ended would make it fail although the answer is there.
  struct Flush {
    kj::AsyncIoContext& io;
    ~Flush() {
      kj::runCatchingExceptions([this] { io.waitScope.poll(); });
    }
  };

  // Agrees on a version.
  void enter() {
    const Flush flush{*io};
    capnp::word scratch[8] = {};
    capnp::MallocMessageBuilder message(scratch);
    auto vat = message.getRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    auto request = rpc.bootstrap(vat).castAs<wire::Door>().enterRequest();
    request.setVersion(kVersion);
    request.setClient("runsc");
    auto response = await(*io, kj::Promise<capnp::Response<wire::Door::EnterResults>>(request.send()), patience);
    version = response.getVersion();
    server = printable(response.getServer());
    if (response.hasFailure()) throw refusal(response.getFailure());
    if (!response.hasSandbox())
      throw ControlError(ControlError::Cause::kBroken, FailureCode::kInternal, "not a sandbox's socket");
    sandbox = response.getSandbox();
  }

  template <typename Request>
  using ResponseOf = decltype(std::declval<Request>().send().wait(std::declval<kj::WaitScope&>()));

  std::shared_ptr<kj::AsyncIoContext> io;
  kj::Own<kj::AsyncCapabilityStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  std::chrono::milliseconds patience;
  wire::Sandbox::Client sandbox = nullptr;
  std::uint32_t version = 0;
  std::string server;
};

}  // namespace runsc::control
