#include "boot/kernel/host_poller.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

TEST(HostPoller, WakesASleeperWhenAPeerWrites) {
  HostPoller poller;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  WaitQueue queue;
  ASSERT_TRUE(poller.add(ours.get(), queue).ok());
  EXPECT_EQ(HostPoller::readiness(ours.get(), POLLIN | POLLOUT), static_cast<EventMask>(POLLOUT));
  Sleeper sleeper;
  {
    ScopedWait wait(queue, sleeper, POLLIN);
    auto ticket = sleeper.prepare();
    ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
    while ((HostPoller::readiness(ours.get(), POLLIN) & POLLIN) == 0) {
      (void)sleeper.sleep(ticket, std::nullopt);
      ticket = sleeper.prepare();
    }
  }
  poller.remove(ours.get());
  theirs.reset();
  EXPECT_NE(HostPoller::readiness(ours.get(), POLLIN) & POLLHUP, 0u);
}

TEST(HostPoller, RefusesRegularFiles) {
  HostPoller poller;
  std::FILE* file = std::tmpfile();
  WaitQueue queue;
  EXPECT_EQ(poller.add(::fileno(file), queue).error(), Errno(EPERM));
  std::fclose(file);
}

}  // namespace
}  // namespace runsc
