// Asynchronous I/O of the kernel: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

TEST(Aio, SubmitAndCollect) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "0123456789");
  Fd fd(open((dir / "f").c_str(), O_RDWR));
  aio_context_t context = 0;
  ASSERT_OK(syscall(SYS_io_setup, 4, &context));
  char buffer[16] = {};
  iocb request = {};
  request.aio_lio_opcode = IOCB_CMD_PREAD;
  request.aio_fildes = static_cast<uint32_t>(fd.get());
  request.aio_buf = reinterpret_cast<uint64_t>(buffer);
  request.aio_nbytes = 4;
  request.aio_offset = 3;
  request.aio_data = 77;
  iocb* list[] = {&request};
  EXPECT_EQ(1, syscall(SYS_io_submit, context, 1, list));
  io_event event = {};
  EXPECT_EQ(1, syscall(SYS_io_getevents, context, 1, 1, &event, nullptr));
  EXPECT_EQ(4, event.res);
  EXPECT_EQ(77u, event.data);
  EXPECT_STREQ("3456", buffer);
  EXPECT_OK(syscall(SYS_io_destroy, context));
  EXPECT_ERRNO(syscall(SYS_io_destroy, context), EINVAL);
  EXPECT_ERRNO(syscall(SYS_io_setup, 0, &context), EINVAL);
}

class AioRequests : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(syscall(SYS_io_setup, 8, &context_));
    WriteFile(dir_ / "f", "0123456789");
    fd_ = Fd(open((dir_ / "f").c_str(), O_RDWR));
  }
  void TearDown() override { EXPECT_OK(syscall(SYS_io_destroy, context_)); }
  iocb Request(int opcode, void* buffer, size_t size, int64_t offset) {
    iocb request = {};
    request.aio_lio_opcode = static_cast<uint16_t>(opcode);
    request.aio_fildes = static_cast<uint32_t>(fd_.get());
    request.aio_buf = reinterpret_cast<uint64_t>(buffer);
    request.aio_nbytes = size;
    request.aio_offset = offset;
    return request;
  }
  long Submit(iocb* request) { return syscall(SYS_io_submit, context_, 1, &request); }
  io_event Collect() {
    io_event event = {};
    EXPECT_EQ(1, syscall(SYS_io_getevents, context_, 1, 1, &event, nullptr));
    return event;
  }

  ScopedTempDir dir_;
  Fd fd_;
  aio_context_t context_ = 0;
};

TEST_F(AioRequests, WritesVectorsAndSync) {
  char text[] = "ab";
  iovec parts[] = {{text, 1}, {text + 1, 1}};
  iocb request = Request(IOCB_CMD_PWRITEV, parts, 2, 4);
  EXPECT_EQ(1, Submit(&request));
  EXPECT_EQ(2, Collect().res);
  EXPECT_EQ("0123ab6789", ReadFile(dir_ / "f"));
  iocb sync = Request(IOCB_CMD_FSYNC, nullptr, 0, 0);
  EXPECT_EQ(1, Submit(&sync));
  const io_event event = Collect();
  EXPECT_EQ(0, event.res);
  EXPECT_EQ(reinterpret_cast<uint64_t>(&sync), event.obj);
}

TEST_F(AioRequests, EventFdIsTold) {
  char buffer[4] = {};
  Fd told(eventfd(0, EFD_NONBLOCK));
  iocb request = Request(IOCB_CMD_PREAD, buffer, 4, 8);
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = static_cast<uint32_t>(told.get());
  EXPECT_EQ(1, Submit(&request));
  EXPECT_EQ(2, Collect().res) << "the end of the file";
  uint64_t count = 0;
  EXPECT_EQ(8, read(told.get(), &count, 8));
  EXPECT_EQ(1u, count);
}

TEST_F(AioRequests, PollsCompleteWhenTheyComeTrue) {
  Pipe pipe;
  iocb request = {};
  request.aio_lio_opcode = IOCB_CMD_POLL;
  request.aio_fildes = static_cast<uint32_t>(pipe.read.get());
  request.aio_buf = POLLIN;
  EXPECT_EQ(1, Submit(&request));
  io_event event = {};
  timespec now = {};
  EXPECT_EQ(0, syscall(SYS_io_getevents, context_, 0, 1, &event, &now));
  std::thread writer([&] { EXPECT_EQ(1, write(pipe.write.get(), "x", 1)); });
  EXPECT_EQ(POLLIN, Collect().res & POLLIN);
  writer.join();
}

TEST_F(AioRequests, BadRequestsAreRefused) {
  char buffer[4];
  iocb unknown = Request(99, buffer, 4, 0);
  EXPECT_ERRNO(Submit(&unknown), EINVAL);
  iocb closed = Request(IOCB_CMD_PREAD, buffer, 4, 0);
  closed.aio_fildes = 1000;
  EXPECT_ERRNO(Submit(&closed), EBADF);
  EXPECT_ERRNO(syscall(SYS_io_submit, context_, 1, nullptr), EFAULT);
  EXPECT_ERRNO(syscall(SYS_io_submit, context_, -1L, nullptr), EINVAL);
  EXPECT_EQ(0, syscall(SYS_io_submit, context_, 0, nullptr));
  io_event event;
  EXPECT_ERRNO(syscall(SYS_io_getevents, context_ + 1, 1, 1, &event, nullptr), EINVAL);
  EXPECT_ERRNO(syscall(SYS_io_getevents, context_, 2, 1, &event, nullptr), EINVAL);
  iocb* list[] = {&unknown, &closed};
  iocb good = Request(IOCB_CMD_PREAD, buffer, 4, 0);
  list[0] = &good;
  EXPECT_EQ(1, syscall(SYS_io_submit, context_, 2, list)) << "what came before the bad one";
  EXPECT_EQ(4, Collect().res);
}

iocb PollRequest(const Fd& fd, int events, const Fd& told) {
  iocb request = {};
  request.aio_lio_opcode = IOCB_CMD_POLL;
  request.aio_fildes = static_cast<uint32_t>(fd.get());
  request.aio_buf = static_cast<uint64_t>(events);
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = static_cast<uint32_t>(told.get());
  return request;
}

void WaitUntilReadable(const Fd& fd) {
  pollfd wanted = {fd.get(), POLLIN, 0};
  EXPECT_EQ(1, poll(&wanted, 1, -1));
}

TEST_F(AioRequests, APollTellsItsEventFd) {
  Pipe pipe;
  Fd told(eventfd(0, EFD_NONBLOCK));
  iocb request = PollRequest(pipe.read, POLLIN, told);
  EXPECT_EQ(1, Submit(&request));
  uint64_t count = 0;
  EXPECT_ERRNO(read(told.get(), &count, 8), EAGAIN);
  EXPECT_EQ(1, write(pipe.write.get(), "x", 1));
  WaitUntilReadable(told);
  EXPECT_EQ(8, read(told.get(), &count, 8));
  EXPECT_EQ(1u, count);
  EXPECT_EQ(POLLIN, Collect().res & POLLIN);
  iocb at_once = PollRequest(pipe.read, POLLIN, told);
  EXPECT_EQ(1, Submit(&at_once));
  EXPECT_EQ(8, read(told.get(), &count, 8)) << "it was true already";
  EXPECT_EQ(reinterpret_cast<uint64_t>(&at_once), Collect().obj);
}

TEST_F(AioRequests, PollsMayTellEachOther) {
  Fd first(eventfd(0, EFD_NONBLOCK)), second(eventfd(0, EFD_NONBLOCK));
  iocb one = PollRequest(first, POLLIN, second), two = PollRequest(second, POLLIN, first);
  iocb self = PollRequest(first, POLLIN, first);
  EXPECT_EQ(1, Submit(&one));
  EXPECT_EQ(1, Submit(&two));
  EXPECT_EQ(1, Submit(&self));
  const uint64_t start = 1;
  EXPECT_EQ(8, write(first.get(), &start, 8));
  io_event events[3] = {};
  EXPECT_EQ(3, syscall(SYS_io_getevents, context_, 3, 3, events, nullptr));
  uint64_t count = 0;
  WaitUntilReadable(second);
  EXPECT_EQ(8, read(second.get(), &count, 8));
  EXPECT_EQ(1u, count);
}

TEST_F(AioRequests, APollKeepsItsFileOpen) {
  Pipe pipe;
  Fd told(eventfd(0, EFD_NONBLOCK));
  iocb request = PollRequest(pipe.read, POLLIN, told);
  EXPECT_EQ(1, Submit(&request));
  pipe.read.Reset();
  EXPECT_EQ(1, write(pipe.write.get(), "x", 1)) << "there is a reader: the request";
  WaitUntilReadable(told);
  EXPECT_EQ(POLLIN, Collect().res & POLLIN);
}

TEST_F(AioRequests, DestroyingTheContextDropsItsPolls) {
  Pipe pipe;
  Fd told(eventfd(0, EFD_NONBLOCK));
  aio_context_t other = 0;
  ASSERT_OK(syscall(SYS_io_setup, 1, &other));
  iocb request = PollRequest(pipe.read, POLLIN, told);
  iocb* list[] = {&request};
  EXPECT_EQ(1, syscall(SYS_io_submit, other, 1, list));
  EXPECT_OK(syscall(SYS_io_destroy, other));
  EXPECT_EQ(1, write(pipe.write.get(), "x", 1));
  pipe.read.Reset();
  ScopedHandler ignore(SIGPIPE, SIG_IGN);
  EXPECT_ERRNO(write(pipe.write.get(), "x", 1), EPIPE) << "nobody holds the other end any more";
}

struct SigsetArgument {
  const sigset_t* set;
  size_t size;
};

TEST_F(AioRequests, WaitsWithASignalMask) {
  InChild([&] {
    static volatile sig_atomic_t signals = 0;
    ScopedHandler handler(
        SIGUSR1, +[](int) { signals = signals + 1; });
    ScopedBlock block({SIGUSR1});
    aio_context_t context = 0;  // that of the parent is not the child's
    ASSERT_OK(syscall(SYS_io_setup, 1, &context));
    ASSERT_EQ(0, raise(SIGUSR1));
    EXPECT_EQ(0, signals);
    const sigset_t none = SignalSet({});
    const SigsetArgument argument = {&none, 8};
    io_event event;
    EXPECT_ERRNO(syscall(SYS_io_pgetevents, context, 1, 1, &event, nullptr, &argument), EINTR);
    EXPECT_EQ(1, signals);
    sigset_t now;
    EXPECT_EQ(0, pthread_sigmask(SIG_BLOCK, nullptr, &now));
    EXPECT_TRUE(sigismember(&now, SIGUSR1));
    const SigsetArgument wrong = {&none, 4}, absent = {nullptr, 0};
    timespec no_time = {};
    EXPECT_ERRNO(syscall(SYS_io_pgetevents, context, 0, 1, &event, &no_time, &wrong), EINVAL);
    EXPECT_EQ(0, syscall(SYS_io_pgetevents, context, 0, 1, &event, &no_time, &absent));
    EXPECT_EQ(0, syscall(SYS_io_pgetevents, context, 0, 1, &event, &no_time, nullptr));
    EXPECT_ERRNO(syscall(SYS_io_pgetevents, context, 0, 1, &event, &no_time, 8), EFAULT);
    EXPECT_OK(syscall(SYS_io_destroy, context));
  });
}

}  // namespace
}  // namespace guest
