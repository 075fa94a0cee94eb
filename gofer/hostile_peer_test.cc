// A compromised kernel: whatever it sends, the gofer lives and serves its other connections.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "gofer/testing/gofer_process.h"
#include "gofer/testing/raw_peer.h"

namespace runsc::gofer {
namespace {

constexpr HandleId kRoot = HandleId::kRoot;
constexpr std::uint32_t kMaxHandles = 1000;

// Connection 0 is the good one; the others are for breaking.
class HostilePeerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<TestMount> mounts(8, TestMount{dir_.path(), {}});
    process_ = std::make_unique<GoferProcess>(mounts, GoferProcess::Filter(), kMaxHandles);
    auto good = GoferConnection::attach(process_->take_socket(0));
    ASSERT_TRUE(good.ok());
    good_ = *std::move(good);
    std::ofstream(dir_.at("f")) << "content";
  }

  void TearDown() override {
    ASSERT_TRUE(good_->get_attributes(good_->root()).ok());
    good_.reset();
    EXPECT_EQ(process_->wait(), 0);
  }

  RawPeer peer() { return RawPeer(process_->take_socket(next_++)); }

  template <typename T>
  static std::span<const std::byte> bytes(const T& value) {
    return std::as_bytes(std::span(value));
  }

  TempDir dir_;
  std::unique_ptr<GoferProcess> process_;
  std::unique_ptr<GoferConnection> good_;
  std::size_t next_ = 1;
};

TEST_F(HostilePeerTest, GarbageEndsTheConnection) {
  const std::array<std::uint64_t, 4> ones = {~0ULL, ~0ULL, ~0ULL, ~0ULL};
  RawPeer a = peer();
  ASSERT_TRUE(a.send(bytes(ones)).ok());
  EXPECT_TRUE(a.is_ended());
  RawPeer b = peer();  // not a multiple of words
  ASSERT_TRUE(b.send(bytes(ones).first(13)).ok());
  EXPECT_TRUE(b.is_ended());
  RawPeer c = peer();  // a far pointer to another segment
  const std::array<std::uint64_t, 1> far = {0x0000000500000002};
  ASSERT_TRUE(c.send(bytes(far)).ok());
  EXPECT_TRUE(c.is_ended());
  RawPeer d = peer();  // longer than any message
  const std::vector<std::byte> huge(kMaxMessageBytes + 8);
  ASSERT_TRUE(d.send(huge).ok());
  EXPECT_TRUE(d.is_ended());
  RawPeer e = peer();  // a packet of nothing looks like the end
  ASSERT_TRUE(e.send({}).ok());
  EXPECT_TRUE(e.is_ended());
}

TEST_F(HostilePeerTest, DescriptorsAreNotTaken) {
  const std::size_t before = process_->descriptor_count();
  RawPeer a = peer();
  Request request;
  request.body = FlushRequest{};
  PacketBuffer buffer;
  ASSERT_TRUE(a.send(*encode(request, buffer), STDIN_FILENO).ok());
  EXPECT_TRUE(a.is_ended());
  EXPECT_LE(process_->descriptor_count(), before);
}

TEST_F(HostilePeerTest, BadHandles) {
  RawPeer a = peer();
  for (const std::uint32_t id : {1u, kMaxHandles - 1, kMaxHandles, 0x7fffffffu, ~0u}) {
    EXPECT_EQ(a.call(GetAttributesRequest{HandleId{id}}).error(), Errno(EBADF));
    EXPECT_EQ(a.call(OpenRequest{HandleId{id}, O_RDONLY}).error(), Errno(EBADF));
    EXPECT_EQ(a.walk(HandleId{id}, "f", HandleId{5}).error(), Errno(EBADF));
    EXPECT_EQ(a.call(LinkRequest{HandleId{id}, kRoot, "g"}).error(), Errno(EBADF));
    EXPECT_EQ(a.call(RenameRequest{kRoot, "f", HandleId{id}, "g", 0}).error(), Errno(EBADF));
  }
  // New numbers out of range, or in use.
  for (const std::uint32_t id : {0u, kMaxHandles, ~0u}) {
    EXPECT_EQ(a.walk(kRoot, "f", HandleId{id})->error, EINVAL);
    EXPECT_EQ(a.call(CreateRequest{{kRoot, "new", 0644, 0, 0, HandleId{id}}, O_RDWR}).error(), Errno(EINVAL));
    EXPECT_EQ(a.call(MakeDirectoryRequest{{kRoot, "new", 0755, 0, 0, HandleId{id}}}).error(), Errno(EINVAL));
  }
  EXPECT_EQ(::access(dir_.at("new").c_str(), F_OK), -1);
  EXPECT_EQ(a.walk(kRoot, "f", HandleId{1})->error, 0);
  EXPECT_EQ(a.walk(kRoot, "f", HandleId{1})->error, EINVAL);
}

TEST_F(HostilePeerTest, ClosingWhatIsNotOpen) {
  RawPeer a = peer();
  const HandleId closed[] = {kRoot, HandleId{1}, HandleId{1}, HandleId{kMaxHandles}, HandleId{~0u}};
  EXPECT_TRUE(a.call(GetAttributesRequest{kRoot}, closed).ok());
}

TEST_F(HostilePeerTest, HandlesAreBounded) {
  RawPeer a = peer();
  const std::size_t before = process_->descriptor_count();
  std::uint32_t made = 0;
  for (std::uint32_t id = 1; id < 3 * kMaxHandles; ++id) made += a.walk(kRoot, "f", HandleId{id})->error == 0 ? 1 : 0;
  EXPECT_EQ(made, kMaxHandles - 1);
  EXPECT_EQ(process_->descriptor_count(), before + made);
  { const RawPeer gone = std::move(a); }
  // Another connection's work shows that the first has been cleaned up, sooner or later.
  while (process_->descriptor_count() > before) ASSERT_TRUE(good_->get_attributes(good_->root()).ok());
}

TEST_F(HostilePeerTest, APeerThatDoesNotReadHoldsUpNobodyElse) {
  RawPeer a = peer();
  Request request;
  request.body = GetAttributesRequest{kRoot};
  PacketBuffer buffer;
  const auto packet = *encode(request, buffer);
  // Until both directions are full.
  while (::send(a.fd(), packet.data(), packet.size(), MSG_DONTWAIT) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_TRUE(good_->get_attributes(good_->root()).ok());
}

TEST_F(HostilePeerTest, AnOlderPeerIsTold) {
  RawPeer a = peer();
  EXPECT_EQ(a.call(AttachRequest{kProtocolVersion + 1}).error(), Errno(EPROTONOSUPPORT));
}

TEST_F(HostilePeerTest, StrangeNumbers) {
  RawPeer a = peer();
  EXPECT_TRUE(a.call(ReadDirectoryRequest{kRoot, 0, 0}).ok());
  EXPECT_TRUE(a.call(ReadDirectoryRequest{kRoot, 0, ~0u}).ok());
  // Cookies that nobody gave: an error or the end.
  for (const std::uint64_t cookie : {1ULL, 0x7fffffffffffffffULL, 0x8000000000000000ULL, ~0ULL})
    (void)a.call(ReadDirectoryRequest{kRoot, cookie, 1000}).ok();
  EXPECT_EQ(a.call(ConnectRequest{kRoot, 12345}).error(), Errno(EINVAL));
  ASSERT_EQ(a.walk(kRoot, "f", HandleId{1})->error, 0);
  EXPECT_EQ(a.call(SetXattrRequest{HandleId{1}, "user.a", "b", 77}).error(), Errno(EINVAL));
  EXPECT_EQ(a.call(GetXattrRequest{HandleId{1}, std::string_view("user.a\0b", 8)}).error(), Errno(EINVAL));
  EXPECT_EQ(a.call(GetXattrRequest{HandleId{1}, "user." + std::string(300, 'x')}).error(), Errno(ERANGE));
  EXPECT_EQ(a.call(RenameRequest{kRoot, "f", kRoot, "g", ~0u}).error(), Errno(EINVAL));
  EXPECT_EQ(a.call(CreateUnnamedRequest{{kRoot, "named", 0644, 0, 0, HandleId{2}}, O_RDWR}).error(), Errno(EINVAL));
  EXPECT_EQ(a.call(CreateUnnamedRequest{{kRoot, "", 0644, 0, 0, HandleId{2}}, O_RDONLY}).error(), Errno(EINVAL));
  EXPECT_EQ(a.call(MakeSymlinkRequest{{kRoot, "l", 0, 0, 0, HandleId{2}}, std::string_view("a\0b", 3)}).error(),
            Errno(EINVAL));
  EXPECT_EQ(a.call(MakeSymlinkRequest{{kRoot, "l", 0, 0, 0, HandleId{2}}, std::string(4096, 'x')}).error(),
            Errno(ENAMETOOLONG));
  EXPECT_EQ(a.call(MakeSymlinkRequest{{kRoot, "l", 0, 0, 0, HandleId{2}}, ""}).error(), Errno(ENOENT));
}

// A gofer without CAP_CHOWN: what cannot be given to its owner does not stay behind.
TEST_F(HostilePeerTest, OwnersThatTheHostRefusesLeaveNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: becomes another user";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0777), 0);
  GoferProcess process({{dir_.path(), {}}}, [](int) -> Result<void> {
    // The C library's functions: they change all threads.
    if (::setresgid(65534, 65534, 65534) < 0 || ::setresuid(65534, 65534, 65534) < 0) return last_errno();
    return {};
  });
  RawPeer a(process.take_socket());
  const NewNode node{kRoot, "new", 0755, 0, 0, HandleId{1}};
  EXPECT_EQ(a.call(CreateRequest{node, O_RDWR}).error(), Errno(EPERM));
  EXPECT_FALSE(a.descriptor.valid());
  EXPECT_EQ(a.call(CreateUnnamedRequest{{kRoot, "", 0755, 0, 0, HandleId{1}}, O_RDWR}).error(), Errno(EPERM));
  EXPECT_EQ(a.call(MakeDirectoryRequest{node}).error(), Errno(EPERM));
  EXPECT_EQ(a.call(MakeNodeRequest{{kRoot, "new", S_IFIFO | 0755, 0, 0, HandleId{1}}}).error(), Errno(EPERM));
  EXPECT_EQ(a.call(MakeSymlinkRequest{node, "target"}).error(), Errno(EPERM));
  struct stat status {};
  EXPECT_EQ(::lstat(dir_.at("new").c_str(), &status), -1);
  EXPECT_TRUE(a.call(CreateRequest{{kRoot, "own", 0644, 65534, 65534, HandleId{1}}, O_RDWR}).ok());
}

}  // namespace
}  // namespace runsc::gofer
