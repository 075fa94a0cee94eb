// Clients that send nonsense, stop half-way, do not read, stay for ever or die: the sandbox stays well.
#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "boot/controller/peer.h"
#include "boot/controller/recorded_requests.h"
#include "control/sandbox.capnp.h"

namespace runsc {
namespace {

namespace wire = control::wire;

void expect_well(const ServerFixture& server) { EXPECT_EQ(server.client().containers().size(), 1u); }

bool hung_up(const UniqueFd& socket) {
  pollfd entry{.fd = socket.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}

// A frame's head: one segment of `words`.
std::string head(std::uint32_t segments, std::uint32_t words) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &segments, 4);
  std::memcpy(out.data() + 4, &words, 4);
  return out;
}

TEST(HostileClient, Garbage) {
  const ServerFixture server;
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(1 + random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const UniqueFd client = server.connect();
    send_bytes(client, bytes, true);
    await_hang_up(client);
  }
  expect_well(server);
}

TEST(HostileClient, MessagesThatAreTooLarge) {
  const ServerFixture server;
  for (const std::string& start :
       {head(0, 0x3fffffff), head(0, 1U << 20), head(511, 1), head(0xffffffff, 1), head(0x7fffffff, 0xffffffff)}) {
    const UniqueFd client = server.connect();
    send_bytes(client, start + std::string(4096, 'x'));
    await_hang_up(client);
  }
  expect_well(server);
}

TEST(HostileClient, DiesInTheMiddleOfEachMethod) {
  const ServerFixture server;
  for (const RecordedRequest& request : record_requests()) {
    for (std::size_t length = 1; length <= request.bytes.size(); length += 1 + length / 16) {
      const UniqueFd client = server.connect();
      send_bytes(client, request.bytes.substr(0, length));
    }
    const UniqueFd client = server.connect();
    send_bytes(client, request.bytes, true);
    await_hang_up(client);
    SCOPED_TRACE(request.name);
    expect_well(server);
  }
}

TEST(HostileClient, AThousandIdleConnections) {
  const ServerFixture server;
  const std::string exec = record_requests()[3].bytes;
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(server.connect());
    // One third has said nothing, one half a message, one has been served.
    send_bytes(idle.back(), i % 3 == 0 ? "" : i % 3 == 1 ? exec.substr(0, 40) : exec);
  }
  expect_well(server);
  for (int i = 0; i < 20; ++i) expect_well(server);
  const auto open = std::count_if(idle.begin(), idle.end(), [](const UniqueFd& socket) { return !hung_up(socket); });
  EXPECT_LE(open, static_cast<long>(ControlLimits().connections));
}

// The call of a recorded request whose method has the number `method`, with another question number.
std::string call_again(const std::string& recorded, std::uint16_t method, std::uint32_t question) {
  std::vector<capnp::word> words(recorded.size() / sizeof(capnp::word));
  std::memcpy(words.data(), recorded.data(), recorded.size());
  kj::ArrayPtr<const capnp::word> rest(words.data(), words.size());
  while (rest.size() > 0) {
    capnp::FlatArrayMessageReader reader(rest);
    const auto message = reader.getRoot<capnp::rpc::Message>();
    if (message.isCall() && message.getCall().getMethodId() == method &&
        message.getCall().getInterfaceId() == capnp::typeId<wire::Sandbox>()) {
      capnp::MallocMessageBuilder builder;
      builder.setRoot(message);
      builder.getRoot<capnp::rpc::Message>().getCall().setQuestionId(question);
      const auto flat = capnp::messageToFlatArray(builder);
      return std::string(flat.asChars().begin(), flat.asChars().size());
    }
    rest = kj::arrayPtr(reader.getEnd(), rest.end());
  }
  ADD_FAILURE() << "no such call";
  return "";
}

TEST(HostileClient, IsCutOffWhenItNeverReads) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "takes minutes: every byte of the answers has a history";
#endif
  constexpr std::uint16_t kStacks = 14;
  const ServerFixture server;
  const RecordedRequest stacks = record_requests()[kStacks];
  ASSERT_EQ(stacks.name, "stacks");
  const UniqueFd client = server.connect();
  send_bytes(client, stacks.bytes);
  for (std::uint32_t question = 1000;; ++question) {
    const std::string call = call_again(stacks.bytes, kStacks, question);
    if (::send(client.get(), call.data(), call.size(), MSG_NOSIGNAL) < 0) break;
  }
  EXPECT_TRUE(hung_up(client));
  expect_well(server);
}

// The library alone, without our client. One to a thread at a time.
struct BareClient {
  explicit BareClient(const ServerFixture& server)
      : stream(io.lowLevelProvider->wrapUnixSocketFd(kj::AutoCloseFd(server.connect().release()))), rpc(*stream, 1) {}
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Own<kj::AsyncCapabilityStream> stream;
  capnp::TwoPartyClient rpc;
};

TEST(HostileClient, SpeaksAnotherVersion) {
  const ServerFixture server;
  {
    BareClient bare(server);
    auto door = bare.rpc.bootstrap().castAs<wire::Door>();
    auto old = door.enterRequest();
    old.setVersion(0);
    auto refusal = old.send().wait(bare.io.waitScope);
    EXPECT_FALSE(refusal.hasSandbox());
    EXPECT_EQ(refusal.getVersion(), control::kVersion);
    EXPECT_EQ(refusal.getOldest(), control::kOldestVersion);
    EXPECT_EQ(refusal.getFailure().getCode(), wire::FailureCode::VERSION_MISMATCH);
    EXPECT_EQ(std::string(refusal.getFailure().getMessage().cStr()),
              "this runsc speaks version 0 of the control interface, the sandbox versions 1 to 1: use the runsc that "
              "started it, or a newer one");
    auto newer = door.enterRequest();
    newer.setVersion(control::kVersion + 7);
    auto accepted = newer.send().wait(bare.io.waitScope);
    EXPECT_FALSE(accepted.hasFailure());
    EXPECT_EQ(accepted.getVersion(), control::kVersion);
    EXPECT_TRUE(accepted.hasSandbox());
  }
  expect_well(server);
}

TEST(HostileClient, ANewerOnesMethodIsUnknown) {
  const ServerFixture server;
  {
    BareClient bare(server);
    // A Door has no second method.
    auto request = bare.rpc.bootstrap().typelessRequest(capnp::typeId<wire::Door>(), 9, nullptr);
    try {
      request.send().wait(bare.io.waitScope);
      ADD_FAILURE() << "answered";
    } catch (const kj::Exception& exception) {
      EXPECT_EQ(exception.getType(), kj::Exception::Type::UNIMPLEMENTED);
    }
  }
  expect_well(server);
}

TEST(HostileClient, OfAnotherUser) {
  EXPECT_TRUE(peer_allowed(0, 1000));
  EXPECT_TRUE(peer_allowed(1000, 1000));
  EXPECT_TRUE(peer_allowed(65534, 1000));  // unmapped: root, or the owner of a sandbox that maps neither
  EXPECT_FALSE(peer_allowed(1001, 1000));
  EXPECT_FALSE(peer_allowed(1, 0));
}

}  // namespace
}  // namespace runsc
