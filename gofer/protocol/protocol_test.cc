#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "gofer/protocol/codec.h"
#include "gofer/protocol/names.h"
#include "gofer/protocol/packet_socket.h"

namespace runsc::gofer {
namespace {

// Through the codec and back.
template <typename Message>
Message copy_of(const Message& message, PacketBuffer& buffer) {
  const auto packet = encode(message, buffer);
  EXPECT_TRUE(packet.ok());
  Message out;
  EXPECT_TRUE(decode(*packet, out).ok());
  return out;
}

template <typename Body>
Body request_copy(const Body& body, PacketBuffer& buffer) {
  Request request;
  request.id = 7;
  request.body = body;
  const Request out = copy_of(request, buffer);
  EXPECT_EQ(out.id, 7u);
  EXPECT_TRUE(std::holds_alternative<Body>(out.body));
  return std::get<Body>(out.body);
}

TEST(Codec, WalkRequest) {
  PacketBuffer buffer;
  WalkRequest walk;
  walk.from = HandleId{3};
  walk.names.push_back("usr");
  walk.names.push_back("bin");
  walk.handles.push_back(HandleId{4});
  walk.handles.push_back(HandleId{5});
  const WalkRequest out = request_copy(walk, buffer);
  EXPECT_EQ(out.from, HandleId{3});
  ASSERT_EQ(out.names.size(), 2u);
  EXPECT_EQ(out.names[1], "bin");
  EXPECT_EQ(out.handles[1], HandleId{5});
}

TEST(Codec, SetAttributesRequest) {
  PacketBuffer buffer;
  SetAttributesRequest set{HandleId{9}, {}};
  set.change.uid = 0;
  set.change.size = 1ULL << 40;
  set.change.modify = {TimeChangeKind::kSet, {-5, 6}};
  set.change.access = {TimeChangeKind::kNow, {}};
  const SetAttributesRequest out = request_copy(set, buffer);
  EXPECT_FALSE(out.change.mode.has_value() || out.change.gid.has_value());
  EXPECT_EQ(out.change.uid, 0u);
  EXPECT_EQ(out.change.size, 1ULL << 40);
  EXPECT_EQ(out.change.access.kind, TimeChangeKind::kNow);
  EXPECT_EQ(out.change.modify.time, (Timestamp{-5, 6}));
}

TEST(Codec, ClosedHandlesTravelWithEveryRequest) {
  PacketBuffer buffer;
  Request request;
  request.body = FlushRequest{};
  for (std::uint32_t i = 0; i < kMaxClosed; ++i) request.closed.push_back(HandleId{i});
  const Request out = copy_of(request, buffer);
  ASSERT_EQ(out.closed.size(), kMaxClosed);
  EXPECT_EQ(out.closed[kMaxClosed - 1], HandleId{kMaxClosed - 1});
}

TEST(Codec, TheLargestMessagesFit) {
  PacketBuffer buffer;
  const std::string value(kMaxXattrValue, 'v');
  const std::string name(kMaxXattrName, 'n');
  EXPECT_EQ(request_copy(SetXattrRequest{HandleId{1}, name, value, 0}, buffer).value, value);
  // As many entries as the host can give at once, at the worst ratio of sizes.
  EntriesReply entries;
  entries.entries.resize(kMaxDirectoryBytes / kMinHostEntryBytes, {1, 2, 8, "abcd"});
  const Reply out = copy_of(Reply{1, 0, entries}, buffer);
  EXPECT_EQ(std::get<EntriesReply>(out.body).entries.size(), entries.entries.size());
  WalkedReply walked;
  walked.nodes.resize(kMaxWalk);
  walked.nodes.back().birth = {1, 2};
  EXPECT_EQ(std::get<WalkedReply>(copy_of(Reply{1, 0, walked}, buffer).body).nodes, walked.nodes);
}

TEST(Codec, TooLongIsAnErrorAndTheBufferStaysUsable) {
  PacketBuffer buffer;
  const std::string value(kMaxMessageBytes, 'v');
  Request request;
  request.body = SetXattrRequest{HandleId{1}, "user.a", value, 0};
  EXPECT_EQ(encode(request, buffer).error(), Errno(EMSGSIZE));
  EXPECT_EQ(request_copy(OpenRequest{HandleId{1}, O_RDWR}, buffer).flags, static_cast<std::uint32_t>(O_RDWR));
}

TEST(Codec, NothingOfAMessageStaysInTheNext) {
  PacketBuffer buffer;
  const std::string secret(1000, 's');
  request_copy(SetXattrRequest{HandleId{1}, "user.a", secret, 0}, buffer);
  Request request;
  request.body = FlushRequest{};
  const auto packet = encode(request, buffer);
  ASSERT_TRUE(packet.ok());
  EXPECT_LT(packet->size(), 100u);
  EXPECT_EQ(::memchr(packet->data(), 's', packet->size()), nullptr);
}

TEST(Codec, RefusesWhatIsTooMuch) {
  PacketBuffer buffer;
  Request out;
  // One word that says: a list of 2^29 - 1 pointers follows.
  const auto packet = [&] {
    Request request;
    WalkRequest walk;
    walk.names.push_back("a");
    request.body = walk;
    return *encode(request, buffer);
  }();
  ASSERT_TRUE(decode(packet, out).ok());
  // Every single-word change: an error or a valid message, never more.
  std::vector<std::uint64_t> words(packet.size() / 8);
  std::memcpy(words.data(), packet.data(), packet.size());
  for (std::size_t i = 0; i < words.size(); ++i)
    for (const std::uint64_t value : {0xffffffffffffffffULL, 0xffffffff00000001ULL, 0xfffffff800000001ULL, 0ULL}) {
      std::vector<std::uint64_t> changed = words;
      changed[i] = value;
      (void)decode(std::as_bytes(std::span(changed)), out).ok();
    }
  EXPECT_EQ(decode({}, out).error(), Errno(EPROTO));
  EXPECT_EQ(decode(packet.first(4), out).error(), Errno(EPROTO));
}

TEST(Names, Components) {
  EXPECT_TRUE(component_name("file").ok());
  EXPECT_STREQ(component_name("...")->c_str(), "...");
  EXPECT_TRUE(component_name(std::string(kMaxName, 'x')).ok());
  EXPECT_EQ(component_name(std::string(kMaxName + 1, 'x')).error(), Errno(ENAMETOOLONG));
  for (const std::string_view name : {std::string_view(""), std::string_view("."), std::string_view(".."),
                                      std::string_view("a/b"), std::string_view("a\0", 2)})
    EXPECT_EQ(component_name(name).error(), Errno(EINVAL)) << name;
}

TEST(PacketSocket, CarriesPacketsAndOneDescriptor) {
  auto pair = make_socket_pair();
  ASSERT_TRUE(pair.ok());
  PacketSocket a(std::move(pair->client));
  PacketSocket b(std::move(pair->server));
  const std::vector<std::byte> packet(kMaxMessageBytes, std::byte{1});
  ASSERT_TRUE(a.send(packet, STDIN_FILENO).ok());
  PacketBuffer buffer;
  UniqueFd descriptor;
  EXPECT_EQ(*b.receive(buffer.bytes(), descriptor), packet.size());
  EXPECT_TRUE(descriptor.valid());
  EXPECT_NE(::fcntl(descriptor.get(), F_GETFD) & FD_CLOEXEC, 0);
  a.shut_down();
  EXPECT_EQ(*b.receive(buffer.bytes(), descriptor), 0u);
  EXPECT_EQ(b.send(packet).error(), Errno(EPIPE));
}

TEST(PacketSocket, SeveralDescriptorsAreRefusedAndClosed) {
  auto pair = make_socket_pair();
  ASSERT_TRUE(pair.ok());
  PacketSocket receiver(std::move(pair->server));
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(2 * sizeof(int))> control{};
  std::byte byte{};
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int descriptors[] = {0, 0};
  std::memcpy(CMSG_DATA(header), descriptors, sizeof(descriptors));
  const UniqueFd lowest(::dup(0));
  ASSERT_EQ(::sendmsg(pair->client.get(), &message, 0), 1);
  PacketBuffer buffer;
  UniqueFd descriptor;
  EXPECT_EQ(receiver.receive(buffer.bytes(), descriptor).error(), Errno(EPROTO));
  EXPECT_FALSE(descriptor.valid());
  const UniqueFd next(::dup(0));
  EXPECT_EQ(next.get(), lowest.get() + 1);
}

}  // namespace
}  // namespace runsc::gofer
