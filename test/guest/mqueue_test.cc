// POSIX message queues.
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

class Mqueue : public testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    name_ = "/guest-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    mq_attr attr = {};
    attr.mq_maxmsg = 4;
    attr.mq_msgsize = 32;
    fd_ = mq_open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
    ASSERT_OK(fd_);
  }
  void TearDown() override {
    mq_close(fd_);
    mq_unlink(name_.c_str());
  }
  long Send(const std::string& text, unsigned priority = 0) { return mq_send(fd_, text.data(), text.size(), priority); }
  std::string Receive() {
    char buffer[32];
    ssize_t n = mq_receive(fd_, buffer, sizeof(buffer), &priority_);
    return n < 0 ? "error " + ErrnoText(errno) : std::string(buffer, static_cast<size_t>(n));
  }
  void Nonblocking() {
    mq_attr attr = {};
    attr.mq_flags = O_NONBLOCK;
    ASSERT_OK(mq_setattr(fd_, &attr, nullptr));
  }
  static timespec Soon() {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 3000000;
    if (t.tv_nsec >= 1000000000) {
      t.tv_nsec -= 1000000000;
      ++t.tv_sec;
    }
    return t;
  }
  std::string name_;
  mqd_t fd_ = -1;
  unsigned priority_ = 0;
};

TEST_F(Mqueue, HighestPriorityFirstThenOrder) {
  ASSERT_OK(Send("low", 1));
  ASSERT_OK(Send("high", 9));
  ASSERT_OK(Send("low2", 1));
  EXPECT_EQ("high", Receive());
  EXPECT_EQ(9u, priority_);
  EXPECT_EQ("low", Receive());
  EXPECT_EQ("low2", Receive());
}

TEST_F(Mqueue, AttributesAreReported) {
  ASSERT_OK(Send("x"));
  mq_attr attr = {};
  ASSERT_OK(mq_getattr(fd_, &attr));
  EXPECT_EQ(4, attr.mq_maxmsg);
  EXPECT_EQ(32, attr.mq_msgsize);
  EXPECT_EQ(1, attr.mq_curmsgs);
  EXPECT_EQ(0, attr.mq_flags);
}

TEST_F(Mqueue, NonblockingFullAndEmpty) {
  Nonblocking();
  EXPECT_EQ("error EAGAIN", Receive());
  for (int i = 0; i < 4; ++i) ASSERT_OK(Send("x"));
  EXPECT_ERRNO(Send("x"), EAGAIN);
}

TEST_F(Mqueue, SizesAreChecked) {
  EXPECT_ERRNO(Send(std::string(33, 'x')), EMSGSIZE);
  EXPECT_OK(Send(std::string(32, 'x')));
  char small[31];
  EXPECT_ERRNO(mq_receive(fd_, small, sizeof(small), nullptr), EMSGSIZE);
  EXPECT_ERRNO(Send("x", 32768), EINVAL);
  EXPECT_OK(Send("", 0));
}

TEST_F(Mqueue, TimedOperationsTimeOut) {
  char buffer[32];
  timespec t = Soon();
  EXPECT_ERRNO(mq_timedreceive(fd_, buffer, 32, nullptr, &t), ETIMEDOUT);
  for (int i = 0; i < 4; ++i) ASSERT_OK(Send("x"));
  t = Soon();
  EXPECT_ERRNO(mq_timedsend(fd_, "x", 1, 0, &t), ETIMEDOUT);
  t = {0, 1000000000};
  EXPECT_ERRNO(mq_timedsend(fd_, "x", 1, 0, &t), EINVAL);
}

TEST_F(Mqueue, BlockedReceiverGetsTheMessage) {
  Child child([&] { EXPECT_EQ("hi", Receive()); });
  ASSERT_OK(Send("hi"));
  child.ExpectSuccess();
}

TEST_F(Mqueue, BlockedSenderGoesOn) {
  for (int i = 0; i < 4; ++i) ASSERT_OK(Send("x"));
  Child child([&] { EXPECT_OK(Send("last")); });
  for (int i = 0; i < 4; ++i) EXPECT_EQ("x", Receive());
  EXPECT_EQ("last", Receive());
  child.ExpectSuccess();
}

TEST_F(Mqueue, SignalInterrupts) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  Pester pester(SIGUSR1);
  EXPECT_EQ("error EINTR", Receive());
}

TEST_F(Mqueue, PollTellsReadiness) {
  pollfd p = {fd_, POLLIN | POLLOUT, 0};
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_EQ(POLLOUT, p.revents);
  for (int i = 0; i < 4; ++i) ASSERT_OK(Send("x"));
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_EQ(POLLIN, p.revents);
}

TEST_F(Mqueue, NotificationBySignalOnArrivalInAnEmptyQueue) {
  ScopedBlock block({SIGUSR1});
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_int = 12;
  ASSERT_OK(mq_notify(fd_, &event));
  InChild([&] { EXPECT_ERRNO(mq_notify(fd_, &event), EBUSY); });
  ASSERT_OK(Send("x"));
  sigset_t set = SignalSet({SIGUSR1});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(SI_MESGQ, info.si_code);
  EXPECT_EQ(12, info.si_value.sival_int);
  EXPECT_OK(mq_notify(fd_, &event)) << "it is used up after one";
  EXPECT_OK(mq_notify(fd_, nullptr));
}

TEST_F(Mqueue, UnlinkedQueueLivesOn) {
  ASSERT_OK(mq_unlink(name_.c_str()));
  EXPECT_ERRNO(mq_open(name_.c_str(), O_RDWR), ENOENT);
  ASSERT_OK(Send("still"));
  EXPECT_EQ("still", Receive());
  EXPECT_ERRNO(mq_unlink(name_.c_str()), ENOENT);
}

TEST_F(Mqueue, OpenErrors) {
  EXPECT_ERRNO(mq_open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, nullptr), EEXIST);
  EXPECT_ERRNO(mq_open("/guest/x", O_CREAT | O_RDWR, 0600, nullptr), EACCES);
  EXPECT_ERRNO(mq_open("/", O_RDWR), ENOENT);
  mq_attr attr = {};
  attr.mq_maxmsg = -1;
  attr.mq_msgsize = 10;
  EXPECT_ERRNO(mq_open((name_ + "b").c_str(), O_CREAT | O_RDWR, 0600, &attr), EINVAL);
}

TEST_F(Mqueue, AccessModeIsEnforced) {
  mqd_t ro = mq_open(name_.c_str(), O_RDONLY), wo = mq_open(name_.c_str(), O_WRONLY);
  ASSERT_OK(ro);
  ASSERT_OK(wo);
  EXPECT_ERRNO(mq_send(ro, "x", 1, 0), EBADF);
  char buffer[32];
  EXPECT_ERRNO(mq_receive(wo, buffer, 32, nullptr), EBADF);
  mq_close(ro);
  mq_close(wo);
  EXPECT_ERRNO(mq_send(0, "x", 1, 0), EBADF);
}

TEST_F(Mqueue, PermissionsApply) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(mq_open(name_.c_str(), O_RDWR), EACCES); });
}

TEST_F(Mqueue, ReadOfTheDescriptorDescribesTheQueue) {
  ASSERT_OK(Send("abc"));
  char buffer[128] = {};
  EXPECT_GT(pread(fd_, buffer, sizeof(buffer) - 1, 0), 0);
  EXPECT_EQ(0u, std::string(buffer).find("QSIZE:3 "));
}

}  // namespace
}  // namespace guest
