#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "boot/socket/unix/unix_datagram.h"
#include "boot/socket/unix/unix_stream.h"

namespace runsc {
namespace {

Result<std::size_t> send(Socket& socket, std::string_view text, std::vector<FilePtr> files = {}) {
  BufferSource source(std::as_bytes(std::span(text)));
  SendRequest request{source, 0, nullptr, nullptr, {PassedFiles(std::move(files), socket.passed_files()), {}}};
  return socket.send(request);
}

struct Text {
  std::string text;
  Received received;
};

Result<Text> receive(Socket& socket, std::size_t count, int flags = 0) {
  Text result{std::string(count, '\0'), {}};
  BufferSink sink(std::as_writable_bytes(std::span(result.text)));
  result.received = TRY(socket.receive({sink, flags}));
  result.text.resize(result.received.bytes);
  return result;
}

std::string text(Socket& socket, std::size_t count = 1000, int flags = 0) {
  return receive(socket, count, flags).value().text;
}

Errno error(Socket& socket) { return receive(socket, 1).error(); }

class UnixTest : public ::testing::Test {
 protected:
  NewSocket parameters(int type) { return {type, 0, 0, {++inode, Uid{1}, Gid{2}}, network}; }
  UnixStreamPtr stream(int type = SOCK_STREAM) { return std::make_shared<UnixStream>(parameters(type)); }
  UnixDatagramPtr datagram() { return std::make_shared<UnixDatagram>(parameters(SOCK_DGRAM)); }
  std::pair<UnixStreamPtr, UnixStreamPtr> stream_pair(int type = SOCK_STREAM) {
    auto one = stream(type), other = stream(type);
    UnixStream::join(one, other, {});
    return {one, other};
  }
  UnixStreamPtr listener(int backlog, int type = SOCK_STREAM) {
    auto socket = stream(type);
    socket->autobind().value();
    socket->listen_as(backlog, {nullptr, Uid{7}, Gid{8}}).value();
    return socket;
  }

  NetworkNamespacePtr network = std::make_shared<NetworkNamespace>();
  std::uint64_t inode = 0;
};

TEST_F(UnixTest, StreamMergesAndEnds) {
  auto [one, other] = stream_pair();
  EXPECT_EQ(error(*other), Errno(EAGAIN));
  send(*one, "abc").value();
  send(*one, "def").value();
  EXPECT_EQ(text(*other, 2, MSG_PEEK), "ab");
  EXPECT_EQ(text(*other, 4, MSG_PEEK), "abcd");
  EXPECT_EQ(text(*other, 2), "ab");
  EXPECT_EQ(text(*other), "cdef");
  one->shutdown(SHUT_WR).value();
  EXPECT_EQ(text(*other), "");
  EXPECT_EQ(send(*one, "x").error(), Errno(EPIPE));
  EXPECT_EQ(send(*other, "back").value(), 4u);
  EXPECT_NE(other->readiness(POLLIN) & POLLRDHUP, 0u);
  EXPECT_EQ(other->readiness(POLLIN) & POLLHUP, 0u);
  EXPECT_EQ(text(*one), "back");
}

TEST_F(UnixTest, CloseWithUnreadBytesResets) {
  auto [one, other] = stream_pair();
  send(*one, "unread").value();
  send(*other, "last words").value();
  other.reset();
  EXPECT_NE(one->readiness(POLLIN) & POLLERR, 0u);
  EXPECT_EQ(text(*one), "last words");
  EXPECT_EQ(error(*one), Errno(ECONNRESET));
  EXPECT_EQ(text(*one), "");
  EXPECT_EQ(send(*one, "x").error(), Errno(EPIPE));
  EXPECT_NE(one->readiness(POLLIN) & POLLHUP, 0u);
}

TEST_F(UnixTest, StreamFillsUpAndBecomesWritableAgain) {
  auto [one, other] = stream_pair();
  const std::string piece(10000, 'x');
  std::size_t sent = 0;
  for (auto result = send(*one, piece); result.ok(); result = send(*one, piece)) sent += *result;
  EXPECT_GE(sent, static_cast<std::size_t>(kBufferDefault) - 20000);
  EXPECT_EQ(one->readiness(POLLOUT) & POLLOUT, 0u);
  while (receive(*other, 5000).ok()) {
  }
  EXPECT_NE(one->readiness(POLLOUT) & POLLOUT, 0u);
}

TEST_F(UnixTest, TinyMessagesCountMoreThanTheirBytes) {
  auto [one, other] = stream_pair();
  int sent = 0;
  while (send(*one, "x").ok()) ++sent;
  EXPECT_LT(sent, 1000);
  EXPECT_EQ(text(*other, 10000).size(), static_cast<std::size_t>(sent));
}

TEST_F(UnixTest, SeqpacketKeepsBorders) {
  auto [one, other] = stream_pair(SOCK_SEQPACKET);
  send(*one, "first").value();
  send(*one, "second").value();
  const auto cut = receive(*other, 3).value();
  EXPECT_EQ(cut.text, "fir");
  EXPECT_EQ(cut.received.flags, MSG_TRUNC);
  EXPECT_EQ(cut.received.full_length, 5u);
  EXPECT_EQ(text(*other), "second");
  EXPECT_EQ(send(*one, std::string(kBufferDefault, 'x')).error(), Errno(EMSGSIZE));
}

TEST_F(UnixTest, ConnectAndAccept) {
  auto server = listener(0);
  auto client = stream();
  EXPECT_EQ(client->readiness(POLLIN) & POLLHUP, static_cast<EventMask>(POLLHUP));
  EXPECT_EQ(send(*client, "x").error(), Errno(ENOTCONN));
  EXPECT_EQ(error(*client), Errno(EINVAL));
  EXPECT_EQ(server->accept(0).error(), Errno(EAGAIN));
  client->connect_to(server, {}, {}).value();
  EXPECT_EQ(client->connect_to(server, {}, {}).error(), Errno(EAGAIN));  // the backlog is looked at first
  EXPECT_EQ(stream()->connect_to(server, {}, {}).error(), Errno(EAGAIN));
  send(*client, "early").value();
  EXPECT_NE(server->readiness(POLLIN) & POLLIN, 0u);
  auto accepted = server->accept(O_NONBLOCK).value();
  EXPECT_TRUE(accepted->flags().nonblocking());
  EXPECT_EQ(client->connect_to(server, {}, {}).error(), Errno(EISCONN));
  EXPECT_EQ(text(*accepted), "early");
  EXPECT_EQ(accepted->local_address()->length, server->local_address()->length);
  EXPECT_EQ(client->peer_address()->length, 2u + 6u);
  EXPECT_EQ(accepted->peer_address()->length, 2u);
  EXPECT_EQ(client->connect_to(client, {}, {}).error(), Errno(EINVAL));
  EXPECT_EQ(stream()->connect_to(client, {}, {}).error(), Errno(ECONNREFUSED));
}

TEST_F(UnixTest, ClosedListenerResetsItsBacklog) {
  auto server = listener(5);
  auto client = stream();
  client->connect_to(server, {}, {}).value();
  server.reset();
  EXPECT_EQ(error(*client), Errno(ECONNRESET));
  EXPECT_EQ(text(*client), "");
}

TEST_F(UnixTest, NamesEndWithTheirSockets) {
  auto first = datagram();
  first->autobind().value();
  EXPECT_EQ(network->unix_names.lock()->size(), 1u);
  first.reset();
  EXPECT_EQ(network->unix_names.lock()->size(), 0u);
}

TEST_F(UnixTest, DatagramsFillTheReceiverAndWakeTheSender) {
  auto one = datagram(), other = datagram();
  UnixDatagram::join(one, other, {});
  int sent = 0;
  while (send(*one, "message").ok()) ++sent;
  EXPECT_EQ(sent, static_cast<int>(MessageQueue::kMaxMessages));
  EXPECT_EQ(one->readiness(POLLOUT) & POLLOUT, 0u);
  Sleeper sleeper;
  ScopedWait wait(*one->wait_queue(), sleeper, POLLOUT);
  const auto ticket = sleeper.prepare();
  EXPECT_EQ(text(*other), "message");
  EXPECT_NE(sleeper.prepare(), ticket);
  EXPECT_NE(one->readiness(POLLOUT) & POLLOUT, 0u);
  auto stranger = datagram();
  EXPECT_EQ(stranger->connect_to(other).error(), Errno(EPERM));
  EXPECT_EQ(send(*stranger, "x").error(), Errno(ENOTCONN));
  other.reset();
  EXPECT_EQ(send(*one, "x").error(), Errno(ECONNREFUSED));
  EXPECT_EQ(send(*one, "x").error(), Errno(ENOTCONN));
}

TEST_F(UnixTest, DescriptorsGoWithTheirBytes) {
  auto [one, other] = stream_pair();
  FilePtr first = datagram(), second = datagram();
  std::weak_ptr<FileDescription> watched = second;
  send(*one, "a").value();
  send(*one, "b", {first}).value();
  send(*one, "c", {second}).value();
  second.reset();
  EXPECT_EQ(network->passed_files->load(), 2);
  EXPECT_EQ(receive(*other, 10, MSG_PEEK)->received.files.files(), std::vector<FilePtr>{first});
  {
    const auto got = receive(*other, 10).value();
    EXPECT_EQ(got.text, "ab");
    EXPECT_EQ(got.received.files.files(), std::vector<FilePtr>{first});
  }
  EXPECT_EQ(network->passed_files->load(), 1);
  other.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(network->passed_files->load(), 0);
}

// Sockets inside messages inside sockets ..: their end must not use the stack up.
TEST_F(UnixTest, LongChainsOfPassedSocketsEndIteratively) {
  FilePtr last = datagram();
  for (int i = 0; i < 30000; ++i) {
    auto [one, other] = stream_pair();
    send(*one, "x", {last}).value();
    last = other;
  }
  last.reset();
  EXPECT_EQ(network->passed_files->load(), 0);
}

template <typename F>
auto blocking(Socket& socket, EventMask events, F operation) {
  Sleeper sleeper;
  ScopedWait wait(*socket.wait_queue(), sleeper, events);
  for (;;) {
    const auto ticket = sleeper.prepare();
    auto result = operation();
    if (result.ok() || result.error() != Errno(EAGAIN)) return result;
    (void)sleeper.sleep(ticket, std::nullopt);
  }
}

TEST_F(UnixTest, ThreadsMoveManyBytesBothWays) {
  auto [one, other] = stream_pair();
  constexpr std::size_t kTotal = 8 << 20;
  const auto sender = [&](Socket& socket) {
    const std::string piece(7777, 'p');
    for (std::size_t done = 0; done < kTotal;)
      done += blocking(socket, POLLOUT, [&] { return send(socket, piece); }).value();
    socket.shutdown(SHUT_WR).value();
  };
  std::atomic<std::size_t> total{0};
  const auto receiver = [&](Socket& socket) {
    for (;;) {
      const auto got = blocking(socket, POLLIN, [&] { return receive(socket, 5000); }).value();
      if (got.text.empty()) return;
      total += got.text.size();
    }
  };
  std::thread threads[] = {std::thread(sender, std::ref(*one)), std::thread(receiver, std::ref(*one)),
                           std::thread(sender, std::ref(*other)), std::thread(receiver, std::ref(*other))};
  for (auto& thread : threads) thread.join();
  EXPECT_GE(total.load(), 2 * kTotal);
}

TEST_F(UnixTest, ConnectingAndClosingFromManyThreads) {
  auto server = listener(3);
  std::atomic<int> accepted{0};
  std::thread acceptor([&] {
    while (accepted < 600) {
      const auto socket = blocking(*server, POLLIN, [&] { return server->accept(0); }).value();
      ++accepted;
      (void)send(*socket, "hello");
    }
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        auto client = std::make_shared<UnixStream>(NewSocket{SOCK_STREAM, 0, 0, {}, network});
        blocking(*server, kAllEvents, [&] { return client->connect_to(server, {}, {}); }).value();
        EXPECT_EQ(blocking(*client, POLLIN, [&] { return receive(*client, 5); })->text, "hello");
      }
    });
  }
  for (auto& client : clients) client.join();
  acceptor.join();
  EXPECT_EQ(accepted.load(), 600);
}

}  // namespace
}  // namespace runsc
