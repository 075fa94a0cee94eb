#include "boot/fs/anon/epoll.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <thread>

#include "boot/fs/anon/event_fd.h"

namespace runsc {
namespace {

std::uint64_t read(FileDescription& file) {
  std::uint64_t value = 0;
  BufferSink sink(std::as_writable_bytes(std::span(&value, 1)));
  (void)file.read(sink, std::nullopt, 0);
  return value;
}

void write(FileDescription& file, std::uint64_t value) {
  BufferSource source(std::as_bytes(std::span(&value, 1)));
  (void)file.write(source, std::nullopt, 0);
}

epoll_event event(std::uint32_t events, std::uint64_t data = 0) {
  epoll_event result{};
  result.events = events;
  result.data.u64 = data;
  return result;
}

class EpollTest : public ::testing::Test {
 protected:
  Result<void> add(Fd fd, const FilePtr& file, std::uint32_t events, std::uint64_t data = 0) {
    return epoll->control(EPOLL_CTL_ADD, fd, file, event(events, data));
  }
  // The data of all events, as one number for short: 12 means 1, then 2.
  std::uint64_t wait(std::size_t limit = 10) {
    std::uint64_t result = 0;
    for (const epoll_event& got : epoll->harvest(limit)) result = result * 10 + got.data.u64;
    return result;
  }

  std::shared_ptr<Epoll> epoll = std::make_shared<Epoll>();
  FilePtr one = std::make_shared<EventFd>(0, 0);
  FilePtr two = std::make_shared<EventFd>(0, 0);
};

TEST_F(EpollTest, LevelTriggeredReportsAsLongAsReady) {
  add(Fd{1}, one, EPOLLIN, 1).value();
  EXPECT_EQ(wait(), 0u);
  EXPECT_EQ(epoll->readiness(POLLIN), 0u);
  write(*one, 1);
  EXPECT_NE(epoll->readiness(POLLIN), 0u);
  EXPECT_EQ(wait(), 1u);
  EXPECT_EQ(wait(), 1u);
  read(*one);
  EXPECT_EQ(wait(), 0u);
}

TEST_F(EpollTest, EdgeTriggeredReportsEachChangeOnce) {
  write(*one, 1);
  add(Fd{1}, one, EPOLLIN | EPOLLET, 1).value();
  EXPECT_EQ(wait(), 1u);
  EXPECT_EQ(wait(), 0u);
  write(*one, 1);
  EXPECT_EQ(wait(), 1u);
  EXPECT_EQ(wait(), 0u);
}

TEST_F(EpollTest, OneShotNeedsRearming) {
  add(Fd{1}, one, EPOLLIN | EPOLLONESHOT, 1).value();
  write(*one, 1);
  EXPECT_EQ(wait(), 1u);
  write(*one, 1);
  EXPECT_EQ(wait(), 0u);
  epoll->control(EPOLL_CTL_MOD, Fd{1}, one, event(EPOLLIN | EPOLLONESHOT, 2)).value();
  EXPECT_EQ(wait(), 2u);
  EXPECT_EQ(wait(), 0u);
}

TEST_F(EpollTest, FewPlacesAreSharedInTurn) {
  add(Fd{1}, one, EPOLLIN, 1).value();
  add(Fd{2}, two, EPOLLIN, 2).value();
  write(*one, 1);
  write(*two, 1);
  EXPECT_EQ(wait(1), 1u);
  EXPECT_EQ(wait(1), 2u);
  EXPECT_EQ(wait(1), 1u);
}

TEST_F(EpollTest, Errors) {
  add(Fd{1}, one, EPOLLIN).value();
  EXPECT_EQ(add(Fd{1}, one, EPOLLIN).error(), Errno(EEXIST));
  EXPECT_TRUE(add(Fd{2}, one, EPOLLIN).ok());  // a duplicate descriptor is an item of its own
  EXPECT_EQ(add(Fd{3}, epoll, EPOLLIN).error(), Errno(EINVAL));
  EXPECT_EQ(epoll->control(EPOLL_CTL_MOD, Fd{9}, one, event(EPOLLIN)).error(), Errno(ENOENT));
  EXPECT_EQ(epoll->control(EPOLL_CTL_DEL, Fd{9}, one, {}).error(), Errno(ENOENT));
  EXPECT_EQ(epoll->control(77, Fd{1}, one, {}).error(), Errno(EINVAL));
  EXPECT_EQ(add(Fd{4}, two, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE).error(), Errno(EINVAL));
  EXPECT_TRUE(add(Fd{4}, two, EPOLLIN | EPOLLEXCLUSIVE).ok());
  EXPECT_EQ(epoll->control(EPOLL_CTL_MOD, Fd{4}, two, event(EPOLLIN)).error(), Errno(EINVAL));
}

TEST_F(EpollTest, ClosedFilesAreDropped) {
  add(Fd{1}, one, EPOLLIN, 1).value();
  write(*one, 1);
  one.reset();
  EXPECT_EQ(wait(), 0u);
  one = std::make_shared<EventFd>(1, 0);
  add(Fd{1}, one, EPOLLIN, 3).value();
  EXPECT_EQ(wait(), 3u);
}

TEST_F(EpollTest, RemovedFilesAreNotReported) {
  add(Fd{1}, one, EPOLLIN, 1).value();
  write(*one, 1);
  epoll->control(EPOLL_CTL_DEL, Fd{1}, one, {}).value();
  EXPECT_EQ(wait(), 0u);
}

TEST_F(EpollTest, NestsWithoutCyclesAndNotTooDeep) {
  std::vector<std::shared_ptr<Epoll>> chain;
  for (int i = 0; i < 6; ++i) chain.push_back(std::make_shared<Epoll>());
  const auto link = [&](int from, int to) {
    return chain[from]->control(EPOLL_CTL_ADD, Fd{to}, chain[to], event(EPOLLIN, to));
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(link(i, i + 1).ok()) << i;
  EXPECT_EQ(link(4, 5).error(), Errno(ELOOP));
  EXPECT_EQ(link(5, 0).error(), Errno(ELOOP));
  EXPECT_EQ(link(4, 0).error(), Errno(ELOOP));
  EXPECT_EQ(link(1, 0).error(), Errno(ELOOP));
  chain[4]->control(EPOLL_CTL_ADD, Fd{9}, one, event(EPOLLIN, 9)).value();
  write(*one, 1);
  EXPECT_EQ(chain[0]->harvest(10).size(), 1u);
  read(*one);
  EXPECT_EQ(chain[0]->harvest(10).size(), 0u);
}

TEST_F(EpollTest, ManyThreadsMissNothing) {
  constexpr int kFiles = 8, kRounds = 500;
  std::vector<FilePtr> files;
  for (int i = 0; i < kFiles; ++i) {
    files.push_back(std::make_shared<EventFd>(0, EFD_SEMAPHORE));
    add(Fd{i}, files.back(), EPOLLIN | (i % 2 != 0 ? EPOLLET : EPOLLERR), i).value();
  }
  std::atomic<int> consumed{0};
  const auto consume = [&] {
    Sleeper sleeper;
    while (consumed.load() < kFiles * kRounds) {
      epoll->wait_queue()->add_exclusive(sleeper, POLLIN);
      const auto ticket = sleeper.prepare();
      auto events = epoll->harvest(3);
      if (events.empty() && consumed.load() < kFiles * kRounds) (void)sleeper.sleep(ticket, std::nullopt);
      epoll->wait_queue()->remove(sleeper);
      epoll->pass_on();
      for (const auto& got : events)
        while (read(*files[got.data.u64]) == 1) ++consumed;
    }
    epoll->wait_queue()->notify(POLLERR);  // the end, for the others
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(consume);
  for (int half = 0; half < 2; ++half)
    threads.emplace_back([&, half] {
      for (int round = 0; round < kRounds; ++round)
        for (int i = half; i < kFiles; i += 2) write(*files[i], 1);
    });
  for (int i = 0; i < 3; ++i) {
    threads[i].join();
    epoll->wait_queue()->notify(POLLERR);
  }
  for (std::size_t i = 3; i < threads.size(); ++i) threads[i].join();
  EXPECT_EQ(consumed.load(), kFiles * kRounds);
}

}  // namespace
}  // namespace runsc
