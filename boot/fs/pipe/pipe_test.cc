#include "boot/fs/pipe/pipe.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace runsc {
namespace {

Result<std::size_t> write(Pipe& pipe, std::string_view text, bool packets = false) {
  BufferSource source(std::as_bytes(std::span(text)));
  return pipe.write(source, packets);
}

Result<std::string> read(Pipe& pipe, std::size_t count) {
  std::string text(count, '\0');
  BufferSink sink(std::as_writable_bytes(std::span(text)));
  text.resize(TRY(pipe.read(sink)));
  return text;
}

constexpr auto kIn = POLLIN | POLLRDNORM;
constexpr auto kOut = POLLOUT | POLLWRNORM;

class PipeTest : public ::testing::Test {
 protected:
  void SetUp() override { pipe.add(true, true); }
  Pipe pipe;
};

TEST_F(PipeTest, EmptyIsEagainAndEofWithoutWriters) {
  EXPECT_EQ(read(pipe, 1).error(), Errno(EAGAIN));
  EXPECT_EQ(pipe.readiness(true, false, 0), 0u);
  EXPECT_EQ(read(pipe, 0).value(), "");
  write(pipe, "ab").value();
  pipe.remove(false, true);
  EXPECT_EQ(pipe.readiness(true, false, 0), static_cast<EventMask>(kIn | POLLHUP));
  EXPECT_EQ(read(pipe, 10).value(), "ab");
  EXPECT_EQ(read(pipe, 10).value(), "");
  EXPECT_EQ(pipe.readiness(true, false, 0), static_cast<EventMask>(POLLHUP));
}

TEST_F(PipeTest, NoReaderIsEpipe) {
  pipe.remove(true, false);
  EXPECT_EQ(write(pipe, "x").error(), Errno(EPIPE));
  EXPECT_EQ(pipe.readiness(false, true, 0), static_cast<EventMask>(kOut | POLLERR));
}

TEST_F(PipeTest, SmallWritesAreAtomicLargeOnesPartial) {
  const std::string fill(kPipeDefaultCapacity - 100, 'a');
  EXPECT_EQ(write(pipe, fill).value(), fill.size());
  EXPECT_EQ(write(pipe, std::string(101, 'b')).error(), Errno(EAGAIN));
  EXPECT_EQ(pipe.readiness(false, true, 0), 0u);
  EXPECT_EQ(write(pipe, std::string(PIPE_BUF + 1, 'c')).value(), 100u);
  EXPECT_EQ(write(pipe, std::string(PIPE_BUF + 1, 'c')).error(), Errno(EAGAIN));
  EXPECT_EQ(pipe.available(), kPipeDefaultCapacity);
  read(pipe, PIPE_BUF).value();
  EXPECT_EQ(pipe.readiness(false, true, 0), static_cast<EventMask>(kOut));
}

TEST_F(PipeTest, PacketsKeepTheirBordersAndLoseTheirRest) {
  write(pipe, "stream").value();
  write(pipe, "one", true).value();
  write(pipe, "two", true).value();
  write(pipe, "more").value();
  EXPECT_EQ(read(pipe, 100).value(), "stream");
  EXPECT_EQ(read(pipe, 2).value(), "on");
  EXPECT_EQ(read(pipe, 100).value(), "two");
  EXPECT_EQ(read(pipe, 2).value(), "mo");
  EXPECT_EQ(read(pipe, 2).value(), "re");
  EXPECT_EQ(write(pipe, std::string(PIPE_BUF + 5, 'x'), true).value(), PIPE_BUF + 5u);
  EXPECT_EQ(read(pipe, 10000).value().size(), static_cast<std::size_t>(PIPE_BUF));
  EXPECT_EQ(read(pipe, 10000).value().size(), 5u);
}

TEST_F(PipeTest, Capacity) {
  EXPECT_EQ(pipe.set_capacity(1).value(), 4096u);
  EXPECT_EQ(pipe.set_capacity(5000).value(), 8192u);
  write(pipe, std::string(5000, 'x')).value();
  EXPECT_EQ(pipe.set_capacity(4096).error(), Errno(EBUSY));
  EXPECT_EQ(pipe.set_capacity(kPipeMaxCapacity + 1).error(), Errno(EPERM));
  EXPECT_EQ(pipe.set_capacity(1ULL << 32).error(), Errno(EINVAL));
  EXPECT_EQ(pipe.set_capacity(kPipeMaxCapacity).value(), kPipeMaxCapacity);
  EXPECT_EQ(read(pipe, 10000).value(), std::string(5000, 'x'));
}

TEST_F(PipeTest, TeeCopiesAndSpliceMoves) {
  Pipe other;
  other.add(true, true);
  write(pipe, "abcdef").value();
  EXPECT_EQ(Pipe::transfer(pipe, pipe, 3, false).error(), Errno(EINVAL));
  EXPECT_EQ(Pipe::transfer(pipe, other, 3, false).value(), 3u);
  EXPECT_EQ(pipe.available(), 6u);
  EXPECT_EQ(Pipe::transfer(pipe, other, 100, true).value(), 6u);
  EXPECT_EQ(Pipe::transfer(pipe, other, 100, true).error(), Errno(EAGAIN));
  EXPECT_EQ(read(other, 100).value(), "abcabcdef");
  other.unread(std::as_bytes(std::span("xyz", 3)));
  EXPECT_EQ(read(other, 100).value(), "xyz");
}

TEST_F(PipeTest, ReaderWithoutWriterYetSeesNoHangUp) {
  Pipe fifo;
  const auto ends = fifo.add(true, false);
  EXPECT_EQ(fifo.readiness(true, false, ends.opens.writers), 0u);
  fifo.add(false, true);
  fifo.remove(false, true);
  EXPECT_EQ(fifo.readiness(true, false, ends.opens.writers), static_cast<EventMask>(POLLHUP));
}

// What boot/syscalls does for a blocking call.
template <typename F>
auto blocking(Pipe& pipe, EventMask events, F operation) {
  Sleeper sleeper;
  ScopedWait wait(pipe.queue(), sleeper, events);
  for (;;) {
    const auto ticket = sleeper.prepare();
    auto result = operation();
    if (result.ok() || result.error() != Errno(EAGAIN)) return result;
    (void)sleeper.sleep(ticket, std::nullopt);
  }
}

TEST_F(PipeTest, ManyWritersLoseNothingAndStayAtomic) {
  constexpr int kWriters = 4, kMessages = 2000;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      const std::string message(100, static_cast<char>('a' + writer));
      for (int i = 0; i < kMessages; ++i)
        ASSERT_TRUE(blocking(pipe, POLLOUT, [&] { return write(pipe, message); }).ok());
    });
  }
  std::vector<int> seen(kWriters);
  for (int i = 0; i < kWriters * kMessages; ++i) {
    const std::string message = blocking(pipe, POLLIN, [&] { return read(pipe, 100); }).value();
    ASSERT_EQ(message, std::string(100, message[0]));
    ++seen[message[0] - 'a'];
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(seen, std::vector<int>(kWriters, kMessages));
  EXPECT_EQ(pipe.available(), 0u);
}

}  // namespace
}  // namespace runsc
