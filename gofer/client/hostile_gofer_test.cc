// A gofer that lies, hangs up or dies: calls fail with EIO, and nothing of the lie is believed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "gofer/client/connection.h"
#include "gofer/protocol/codec.h"
#include "gofer/testing/gofer_process.h"

namespace runsc::gofer {
namespace {

struct Lie {
  Reply reply;
  UniqueFd descriptor;
};

FileAttributes attributes(std::uint32_t mode) {
  FileAttributes out;
  out.mode = mode;
  return out;
}

// Answers attach correctly, and then whatever it was made for.
class LiarTest : public testing::Test {
 protected:
  using Answer = std::function<void(const Request&, Lie&)>;

  void start(Answer answer) {
    auto pair = make_socket_pair();
    ASSERT_TRUE(pair.ok());
    server_ =
        std::jthread([socket = PacketSocket(std::move(pair->server)), answer]() mutable { serve(socket, answer); });
    auto attached = GoferConnection::attach(std::move(pair->client));
    ASSERT_TRUE(attached.ok());
    connection_ = *std::move(attached);
  }

  void TearDown() override {
    node_.reset();
    connection_.reset();
  }

  static void serve(PacketSocket& socket, const Answer& answer) {
    PacketBuffer incoming;
    PacketBuffer outgoing;
    Request request;
    while (true) {
      const auto size = socket.receive(incoming.bytes());
      if (!size.ok() || *size == 0) return;
      if (!decode(incoming.bytes().first(*size), request).ok()) return;
      if (std::holds_alternative<CloseRequest>(request.body)) continue;
      Lie lie{{request.id, 0, DoneReply{}}, {}};
      if (std::holds_alternative<AttachRequest>(request.body))
        lie.reply.body = AttachedReply{attributes(S_IFDIR | 0755), false, 1000, false};
      else
        answer(request, lie);
      const auto packet = encode(lie.reply, outgoing);
      if (!packet.ok() || !socket.send(*packet, lie.descriptor.get()).ok()) return;
    }
  }

  // Each lie gets a connection of its own, and ends it.
  template <typename Call>
  void expect_caught(Answer answer, Call&& call) {
    start(std::move(answer));
    const auto result = call(*connection_);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error(), Errno(EIO));
    EXPECT_FALSE(connection_->is_alive());
    EXPECT_EQ(connection_->get_attributes(connection_->root()).error(), Errno(EIO));
    TearDown();
    server_ = {};
  }

  void expect_bad_attributes(const FileAttributes& lie) {
    expect_caught([lie](const Request&, Lie& out) { out.reply.body = NodeReply{lie}; },
                  [](GoferConnection& gofer) { return gofer.get_attributes(gofer.root()); });
  }

  void expect_bad_open(int lied_flags, const char* path, int asked_flags) {
    expect_caught(
        [=](const Request&, Lie& out) {
          out.reply.body = NodeReply{attributes(S_IFREG | 0644)};
          if (path != nullptr) out.descriptor = UniqueFd(::open(path, lied_flags | O_CLOEXEC));
        },
        [=](GoferConnection& gofer) { return gofer.open(gofer.root(), asked_flags); });
  }

  void expect_bad_walk(const WalkedReply& lie) {
    expect_caught([lie](const Request&, Lie& out) { out.reply.body = lie; },
                  [](GoferConnection& gofer) {
                    const std::string_view names[] = {"a", "b"};
                    return gofer.walk(gofer.root(), names);
                  });
  }

  void expect_bad_entries(const EntriesReply& lie) {
    expect_caught([lie](const Request&, Lie& out) { out.reply.body = lie; },
                  [](GoferConnection& gofer) { return gofer.read_directory(gofer.root(), 0); });
  }

  std::unique_ptr<GoferConnection> connection_;
  RemoteHandle node_;
  std::jthread server_;
};

TEST_F(LiarTest, WrongReplies) {
  const auto ask = [](GoferConnection& gofer) { return gofer.get_attributes(gofer.root()); };
  expect_caught([](const Request& request, Lie& out) { out.reply.id = request.id + 1; }, ask);
  expect_caught([](const Request&, Lie& out) { out.reply.body = FileSystemReply{}; }, ask);
  // An error number that means something else inside the kernel.
  expect_caught([](const Request&, Lie& out) { out.reply.error = 512; }, ask);
  expect_caught(
      [](const Request&, Lie& out) {
        out.reply.error = ENOENT;
        out.reply.body = NodeReply{attributes(S_IFREG)};
      },
      ask);
}

TEST_F(LiarTest, WrongAttributes) {
  expect_bad_attributes(attributes(0644));
  expect_bad_attributes(attributes(S_IFREG | 0x100000));
  FileAttributes lie = attributes(S_IFREG);
  lie.size = ~0ULL;
  expect_bad_attributes(lie);
  lie = attributes(S_IFREG);
  lie.change.nanoseconds = 1'000'000'000;
  expect_bad_attributes(lie);
  lie = attributes(S_IFREG);
  lie.watch = 1;
  expect_bad_attributes(lie);
  lie = attributes(S_IFDIR);
  lie.watch = -1;
  expect_bad_attributes(lie);
}

TEST_F(LiarTest, WrongHeldDescriptors) {
  const TempDir dir;
  const std::string path = dir.at("f");
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  struct stat status {};
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  const auto offer = [&](const char* what, int flags, std::uint64_t inode, std::uint32_t type) {
    expect_caught(
        [=](const Request&, Lie& out) {
          FileAttributes said = attributes(type | 0644);
          said.inode = inode;
          out.reply.body = NodeReply{said};
          if (what != nullptr) out.descriptor = UniqueFd(::open(what, flags | O_CLOEXEC));
        },
        [](GoferConnection& gofer) { return gofer.hold(gofer.root()); });
  };
  offer(nullptr, 0, status.st_ino, S_IFREG);
  offer(path.c_str(), O_RDONLY, status.st_ino, S_IFREG);    // more than a look
  offer(path.c_str(), O_PATH, status.st_ino + 1, S_IFREG);  // another file
  offer(path.c_str(), O_PATH, status.st_ino, S_IFIFO);      // another type
  ASSERT_EQ(::stat(dir.path().c_str(), &status), 0);
  offer(dir.path().c_str(), O_PATH, status.st_ino, S_IFDIR);  // a way to its neighbours
}

TEST_F(LiarTest, WrongDescriptors) {
  expect_bad_open(0, nullptr, O_RDONLY);
  expect_bad_open(O_RDONLY, "/dev/zero", O_RDONLY);
  expect_bad_open(O_RDONLY, "/", O_RDONLY);
  expect_bad_open(O_RDONLY, "/proc/self/exe", O_RDWR);
  expect_bad_open(O_PATH, "/proc/self/exe", O_RDONLY);
  const TempDir dir;
  const UniqueFd file(::open(dir.at("f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  expect_bad_open(O_RDWR, dir.at("f").c_str(), O_RDONLY);
}

TEST_F(LiarTest, WrongWalks) {
  const FileAttributes directory = attributes(S_IFDIR);
  const FileAttributes file = attributes(S_IFREG);
  expect_bad_walk({{directory, directory, file}, 0});
  expect_bad_walk({{directory}, 0});
  expect_bad_walk({{directory, file}, ENOENT});
  expect_bad_walk({{file, file}, 0});
  expect_bad_walk({{attributes(0)}, ENOENT});
  expect_bad_walk({{}, 600});
}

TEST_F(LiarTest, WrongEntries) {
  for (const std::string_view name : {std::string_view(""), std::string_view("."), std::string_view(".."),
                                      std::string_view("a/b"), std::string_view("a\0b", 3)})
    expect_bad_entries({{{1, 1, 8, name}}, 1, true});
  expect_bad_entries({{{1, 1, 77, "ok"}}, 1, true});
  expect_bad_entries({{}, 0, false});  // would never end
}

TEST_F(LiarTest, WrongLinkTargets) {
  for (const std::string& target : {std::string(), std::string("a\0b", 3), std::string(5000, 'x')})
    expect_caught([&](const Request&, Lie& out) { out.reply.body = DataReply{target}; },
                  [](GoferConnection& gofer) { return gofer.read_link(gofer.root()); });
}

TEST_F(LiarTest, DescriptorsThatNobodyAskedForAreClosed) {
  start([](const Request&, Lie& out) {
    out.reply.body = NodeReply{attributes(S_IFDIR)};
    out.descriptor = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  });
  const int before = ::dup(0);
  ::close(before);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(connection_->get_attributes(connection_->root()).ok());
  const int after = ::dup(0);
  ::close(after);
  EXPECT_LE(after, before + 1);  // the liar has one open at any time
}

TEST_F(LiarTest, ErrorsOfTheHostAreNotLies) {
  start([](const Request&, Lie& out) { out.reply.error = ENOSPC; });
  EXPECT_EQ(connection_->get_attributes(connection_->root()).error(), Errno(ENOSPC));
  EXPECT_TRUE(connection_->is_alive());
}

TEST(GoferDeath, CallsAfterItFail) {
  const TempDir dir;
  GoferProcess process({{dir.path(), {}}});
  auto attached = GoferConnection::attach(process.take_socket());
  ASSERT_TRUE(attached.ok());
  GoferConnection& gofer = **attached;
  ASSERT_EQ(::kill(process.pid(), SIGKILL), 0);
  process.wait();
  EXPECT_EQ(gofer.get_attributes(gofer.root()).error(), Errno(EIO));
  EXPECT_FALSE(gofer.is_alive());
  EXPECT_EQ(gofer.flush().error(), Errno(EIO));
}

TEST(GoferDeath, CallsDuringItFail) {
  const TempDir dir;
  for (int round = 0; round < 20; ++round) {
    GoferProcess process({{dir.path(), {}}});
    auto attached = GoferConnection::attach(process.take_socket());
    ASSERT_TRUE(attached.ok());
    GoferConnection& gofer = **attached;
    // Half of the rounds catch it in the middle of nothing, so that calls wait for a reply that never comes.
    if (round % 2 == 0) {
      ASSERT_EQ(::kill(process.pid(), SIGSTOP), 0);
    }
    std::vector<std::jthread> callers;
    for (int i = 0; i < 3; ++i)
      callers.emplace_back([&] {
        while (gofer.get_attributes(gofer.root()).ok()) {
        }
        EXPECT_EQ(gofer.get_attributes(gofer.root()).error(), Errno(EIO));
      });
    ASSERT_EQ(::kill(process.pid(), SIGKILL), 0);
  }
}

TEST(GoferDeath, HandlesOutliveTheirConnection) {
  const TempDir dir;
  GoferProcess process({{dir.path(), {}}});
  auto attached = GoferConnection::attach(process.take_socket());
  ASSERT_TRUE(attached.ok());
  auto made = (*attached)->make_directory((*attached)->root(), "d", {0755, 0, 0});
  ASSERT_TRUE(made.ok());
  attached->reset();
  made->handle.reset();
}

}  // namespace
}  // namespace runsc::gofer
