// One client of the control server.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <capnp/serialize-async.h>
#include <kj/async-io.h>

#include <cstdint>
#include <memory>

#include "boot/controller/requests.h"
#include "boot/controller/service.h"
#include "boot/controller/worker_pool.h"
#include "control/sandbox.capnp.h"

namespace runsc {

// The client's messages, and the note of them. Ends a connection whose client asks and asks, and does not read.
class WatchedStream final : public capnp::MessageStream {
 public:
  WatchedStream(kj::AsyncCapabilityStream& stream, kj::Function<bool()> may_read)
      : inner_(stream), may_read_(kj::mv(may_read)) {}
  using MessageStream::tryReadMessage;
  using MessageStream::writeMessage;
  using MessageStream::writeMessages;
  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                                    capnp::ReaderOptions options,
                                                                    kj::ArrayPtr<capnp::word> scratch) override;
  kj::Promise<void> writeMessage(kj::ArrayPtr<const int> fds,
                                 kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void> writeMessages(kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override;
  kj::Promise<void> end() override;

 private:
  capnp::AsyncCapabilityMessageStream inner_;
  kj::Function<bool()> may_read_;
};

// What every connection of a server uses.
struct ConnectionContext {
  ControlService& service;
  WorkerPool& workers;
  std::uint64_t messages = 0;  // that have arrived on any of them: the server's clock
};

// On the control thread only.
class ControlConnection {
 public:
  // `max_requests` at once; zero: each is told that there are too many connections.
  ControlConnection(kj::Own<kj::AsyncCapabilityStream> stream, ConnectionContext& context, std::size_t max_requests);

  // Done when the client has gone or close() was called. Destroys the connection's requests only with the connection.
  kj::Promise<void> ended();
  void close();
  bool closing() { return !closed_->isWaiting(); }
  // Nothing is being done for the client.
  bool idle() const { return requests_->idle(); }
  // When its last message arrived, by ConnectionContext::messages.
  std::uint64_t last_used() const { return last_used_; }

 private:
  bool note_message();

  ConnectionContext& context_;
  std::shared_ptr<Requests> requests_;
  std::uint64_t last_used_;
  kj::Promise<void> closed_promise_ = nullptr;
  kj::Own<kj::PromiseFulfiller<void>> closed_;
  kj::Own<kj::AsyncCapabilityStream> stream_;
  WatchedStream watched_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

}  // namespace runsc
