// A few thousand rounds of the fuzz targets with inputs from a fixed seed: valid messages with strange content, and
// the same with bytes changed. Sanitizer builds make more of it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "gofer/fuzz/fuzz_targets.h"
#include "gofer/protocol/codec.h"

namespace runsc::gofer {
namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : engine_(seed) {}

  std::vector<std::byte> requests() {
    return input([this] {
      Request request;
      request.id = number();
      for (std::uint32_t i = below(4); i > 0; --i) request.closed.push_back(handle());
      request.body = request_body();
      return packet_of(request);
    });
  }

  std::vector<std::byte> replies() {
    return input([this] {
      Reply reply{number(), below(3) == 0 ? static_cast<int>(below(200)) : 0, reply_body()};
      return packet_of(reply);
    });
  }

 private:
  template <typename Make>
  std::vector<std::byte> input(Make&& make) {
    std::vector<std::byte> out;
    for (std::uint32_t i = 1 + below(8); i > 0; --i) {
      std::vector<std::byte> packet = make();
      if (below(3) == 0) mutate(packet);
      const auto size = static_cast<std::uint16_t>(packet.size());
      out.push_back(static_cast<std::byte>(size & 0xff));
      out.push_back(static_cast<std::byte>(size >> 8));
      out.insert(out.end(), packet.begin(), packet.end());
    }
    return out;
  }

  template <typename Message>
  std::vector<std::byte> packet_of(const Message& message) {
    const auto packet = encode(message, buffer_);
    if (!packet.ok()) return {};
    return {packet->begin(), packet->end()};
  }

  void mutate(std::vector<std::byte>& packet) {
    for (std::uint32_t i = 1 + below(4); i > 0 && !packet.empty(); --i) {
      std::byte& byte = packet[below(static_cast<std::uint32_t>(packet.size()))];
      byte = below(2) == 0 ? static_cast<std::byte>(number()) : byte ^ static_cast<std::byte>(1U << below(8));
    }
    if (below(8) == 0) packet.resize(below(static_cast<std::uint32_t>(packet.size()) + 64));
  }

  std::uint32_t below(std::uint32_t bound) { return engine_() % bound; }
  std::uint32_t number() {
    constexpr std::uint32_t kInteresting[] = {0, 1, 2, 7, 0777, 0100644, 0x7fffffff, 0x80000000, 0xffffffff};
    return below(2) == 0 ? engine_() : kInteresting[below(std::size(kInteresting))];
  }
  HandleId handle() { return HandleId{below(8) == 0 ? number() : below(6)}; }
  std::uint32_t flags() { return below(4) == 0 ? number() : below(3); }

  std::string_view name() {
    static const std::string kLong(300, 'n');
    const std::string_view names[] = {
        "f", "d", "l", "p", "new", "x", "..", ".", "", "a/b", "user.a", kLong, std::string_view("f\0", 2)};
    return names[below(below(2) == 0 ? 6 : std::size(names))];
  }

  NewNode node() { return {handle(), name(), flags() | 0600, 0, below(2), handle()}; }

  RequestBody request_body() {
    switch (below(26)) {
      case 0:
        return AttachRequest{below(2) == 0 ? number() : kProtocolVersion, below(2) == 0};
      case 24:
      case 25:
        return HoldRequest{handle()};
      case 1:
        return OpenRequest{handle(), flags()};
      case 2:
        return GetAttributesRequest{handle()};
      case 3:
        return set_attributes();
      case 4:
        return CreateRequest{node(), flags()};
      case 5:
        return CreateUnnamedRequest{node(), flags()};
      case 6:
        return MakeDirectoryRequest{node()};
      case 7: {
        MakeNodeRequest request{node()};
        request.node.mode |= number() & S_IFMT;
        return request;
      }
      case 8:
        return MakeSymlinkRequest{node(), name()};
      case 9:
        return LinkRequest{handle(), handle(), name()};
      case 10:
        return ReadLinkRequest{handle()};
      case 11:
        return UnlinkRequest{handle(), name(), below(2) == 0};
      case 12:
        return RenameRequest{handle(), name(), handle(), name(), flags()};
      case 13:
        return ReadDirectoryRequest{handle(), below(2) == 0 ? 0 : number(), number()};
      case 14:
        return StatFileSystemRequest{handle()};
      case 15:
        // Rarely: it waits for a disk.
        if (below(50) != 0) return FlushRequest{};
        return SynchronizeRequest{handle()};
      case 16:
        return GetXattrRequest{handle(), name()};
      case 17:
        return SetXattrRequest{handle(), name(), name(), flags()};
      case 18:
        return ListXattrRequest{handle()};
      case 19:
        return RemoveXattrRequest{handle(), name()};
      case 20:
        return ConnectRequest{handle(), below(8)};
      default:
        return walk();
    }
  }

  RequestBody set_attributes() {
    SetAttributesRequest request{handle(), {}};
    if (below(2) == 0) request.change.mode = number();
    if (below(2) == 0) request.change.uid = below(3);
    if (below(2) == 0) request.change.size = below(2) == 0 ? below(100000) : ~0ULL - number();
    if (below(2) == 0) request.change.access = {TimeChangeKind::kSet, {static_cast<int>(number()), number()}};
    return request;
  }

  RequestBody walk() {
    WalkRequest request;
    request.from = handle();
    request.hold = below(2) == 0;
    const bool keep = below(4) != 0;
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      request.names.push_back(name());
      if (keep) request.handles.push_back(handle());
    }
    return request;
  }

  FileAttributes attributes() {
    FileAttributes out;
    out.mode = number();
    out.size = number();
    out.access.nanoseconds = number();
    out.watch = static_cast<std::int32_t>(below(4));
    return out;
  }

  ReplyBody reply_body() {
    switch (below(6)) {
      case 0:
        return AttachedReply{attributes(), false, number(), below(2) == 0};
      case 1: {
        WalkedReply reply;
        for (std::uint32_t i = below(5); i > 0; --i) reply.nodes.push_back(attributes());
        return reply;
      }
      case 2:
        return NodeReply{attributes()};
      case 3:
        return DataReply{name()};
      case 4: {
        EntriesReply reply;
        for (std::uint32_t i = below(20); i > 0; --i) reply.entries.push_back({1, i, 8, name()});
        return reply;
      }
      default:
        return FileSystemReply{};
    }
  }

  std::mt19937 engine_;
  PacketBuffer buffer_;
};

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(Fuzz, Requests) {
  Generator generator(1);
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 4000; ++round) fuzz_requests(generator.requests());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Fuzz, Replies) {
  Generator generator(2);
  for (int round = 0; round < 10000; ++round) fuzz_replies(generator.replies());
}

TEST(Fuzz, PureNoise) {
  std::mt19937 engine(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> input(engine() % 400);
    for (std::byte& byte : input) byte = static_cast<std::byte>(engine());
    fuzz_requests(input);
    fuzz_replies(input);
  }
}

}  // namespace
}  // namespace runsc::gofer
