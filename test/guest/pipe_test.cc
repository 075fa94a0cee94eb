// Pipes and FIFOs, splice, tee and vmsplice.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

constexpr int kPipeBuf = 4096;

class Pipes : public testing::Test {
 protected:
  int r() const { return pipe_.read.get(); }
  int w() const { return pipe_.write.get(); }
  void Nonblocking() {
    ASSERT_OK(fcntl(r(), F_SETFL, O_NONBLOCK));
    ASSERT_OK(fcntl(w(), F_SETFL, O_NONBLOCK));
  }
  int Available() {
    int n = -1;
    EXPECT_OK(ioctl(r(), FIONREAD, &n));
    return n;
  }
  Pipe pipe_;
  char buffer_[65536 * 2] = {};
};

short Poll(int fd, short events) {
  pollfd p = {fd, events, 0};
  EXPECT_OK(poll(&p, 1, 0));
  return p.revents;
}

TEST_F(Pipes, DataComesOutInOrder) {
  EXPECT_EQ(3, write(w(), "abc", 3));
  EXPECT_EQ(3, write(w(), "def", 3));
  EXPECT_EQ(4, read(r(), buffer_, 4));
  EXPECT_EQ(2, read(r(), buffer_ + 4, 100));
  EXPECT_STREQ("abcdef", buffer_);
}

TEST_F(Pipes, EndsAreOneWay) {
  EXPECT_ERRNO(write(r(), "x", 1), EBADF);
  EXPECT_ERRNO(read(w(), buffer_, 1), EBADF);
  EXPECT_EQ(O_RDONLY, fcntl(r(), F_GETFL) & O_ACCMODE);
  EXPECT_EQ(O_WRONLY, fcntl(w(), F_GETFL) & O_ACCMODE);
}

TEST_F(Pipes, EndOfFileAfterTheLastWriter) {
  Fd second(dup(w()));
  EXPECT_EQ(1, write(w(), "x", 1));
  pipe_.write.Reset();
  EXPECT_EQ(1, read(r(), buffer_, 10));
  second.Reset();
  EXPECT_EQ(0, read(r(), buffer_, 10));
  EXPECT_EQ(POLLHUP, Poll(r(), POLLIN));
}

TEST_F(Pipes, WriteWithoutReadersIsEpipeAndSigpipe) {
  pipe_.read.Reset();
  {
    ScopedHandler handler(SIGPIPE, SIG_IGN);
    EXPECT_ERRNO(write(w(), "x", 1), EPIPE);
  }
  EXPECT_EQ(POLLERR, Poll(w(), 0));
  int status = StatusOf([&] { EXPECT_EQ(-1, write(w(), "x", 1)); });
  EXPECT_EQ(SIGPIPE, WTERMSIG(status));
}

TEST_F(Pipes, ZeroByteWriteDoesNothing) {
  EXPECT_EQ(0, write(w(), "", 0));
  Nonblocking();
  EXPECT_ERRNO(read(r(), buffer_, 1), EAGAIN);
}

TEST_F(Pipes, DefaultSizeIs64KiB) {
  EXPECT_EQ(65536, fcntl(w(), F_GETPIPE_SZ));
  Nonblocking();
  EXPECT_EQ(65536, write(w(), buffer_, sizeof(buffer_)));
  EXPECT_ERRNO(write(w(), "x", 1), EAGAIN);
  EXPECT_EQ(65536, Available());
}

TEST_F(Pipes, NonblockingReadOfEmptyIsEagain) {
  Nonblocking();
  EXPECT_ERRNO(read(r(), buffer_, 1), EAGAIN);
}

TEST_F(Pipes, NonblockingIsPerDescription) {
  Pipe other(O_NONBLOCK);
  EXPECT_TRUE(fcntl(other.read.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(other.write.get(), F_GETFL) & O_NONBLOCK);
  ASSERT_OK(fcntl(r(), F_SETFL, O_NONBLOCK));
  EXPECT_FALSE(fcntl(w(), F_GETFL) & O_NONBLOCK);
}

TEST_F(Pipes, Pipe2FlagsAreChecked) {
  int fds[2];
  EXPECT_ERRNO(pipe2(fds, O_APPEND), EINVAL);
  Pipe p(O_CLOEXEC);
  EXPECT_EQ(FD_CLOEXEC, fcntl(p.read.get(), F_GETFD));
  EXPECT_EQ(FD_CLOEXEC, fcntl(p.write.get(), F_GETFD));
}

TEST_F(Pipes, SizeCanChange) {
  EXPECT_EQ(4096, fcntl(w(), F_SETPIPE_SZ, 1));
  EXPECT_EQ(4096, fcntl(r(), F_GETPIPE_SZ));
  EXPECT_EQ(131072, fcntl(w(), F_SETPIPE_SZ, 100000)) << "rounded up to a power of two of pages";
  Nonblocking();
  EXPECT_EQ(131072, write(w(), buffer_, sizeof(buffer_)));
  EXPECT_ERRNO(fcntl(w(), F_SETPIPE_SZ, 4096), EBUSY);
  EXPECT_ERRNO(fcntl(w(), F_SETPIPE_SZ, 0x80000001), EINVAL);
  Fd null(open("/dev/null", O_RDWR));
  EXPECT_ERRNO(fcntl(null.get(), F_GETPIPE_SZ), EBADF);
}

TEST_F(Pipes, SizeBeyondTheLimitIsEpermForUsers) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(fcntl(w(), F_SETPIPE_SZ, 64 << 20), EPERM); });
}

TEST_F(Pipes, SmallWritesAreAtomicWhenNearlyFull) {
  Nonblocking();
  ASSERT_EQ(65536, write(w(), buffer_, 65536));
  ASSERT_EQ(kPipeBuf - 1, read(r(), buffer_, kPipeBuf - 1));
  EXPECT_ERRNO(write(w(), buffer_, kPipeBuf), EAGAIN) << "all or nothing up to PIPE_BUF";
  EXPECT_EQ(65536 - kPipeBuf + 1, Available());
}

TEST_F(Pipes, ConcurrentSmallWritesDoNotInterleave) {
  auto writer = [&](char c) {
    std::string block(1000, c);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(1000, write(w(), block.data(), block.size()));
  };
  Child a([&] { writer('a'); }), b([&] { writer('b'); }), c([&] { writer('c'); });
  pipe_.write.Reset();
  std::string all = ReadAll(r());
  ASSERT_EQ(300000u, all.size());
  for (size_t i = 0; i < all.size(); i += 1000) ASSERT_EQ(std::string(1000, all[i]), all.substr(i, 1000));
  a.ExpectSuccess();
  b.ExpectSuccess();
  c.ExpectSuccess();
}

TEST_F(Pipes, LargeBlockingWriteGoesThroughInPieces) {
  std::string data(1 << 20, 0);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i >> 8);
  Child child([&] { EXPECT_EQ(static_cast<ssize_t>(data.size()), write(w(), data.data(), data.size())); });
  pipe_.write.Reset();
  EXPECT_TRUE(data == ReadAll(r()));
  child.ExpectSuccess();
}

TEST_F(Pipes, InterruptedLargeWriteReportsWhatWasWritten) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  std::string data(1 << 20, 'x');
  Pester pester(SIGUSR1);
  EXPECT_EQ(65536, write(w(), data.data(), data.size()));
}

TEST_F(Pipes, PollReportsReadiness) {
  EXPECT_EQ(0, Poll(r(), POLLIN));
  EXPECT_EQ(POLLOUT, Poll(w(), POLLOUT));
  EXPECT_EQ(1, write(w(), "x", 1));
  EXPECT_EQ(POLLIN, Poll(r(), POLLIN));
  Nonblocking();
  while (write(w(), buffer_, kPipeBuf) > 0) {
  }
  EXPECT_EQ(0, Poll(w(), POLLOUT));
}

TEST_F(Pipes, PacketModeKeepsBoundaries) {
  Pipe p(O_DIRECT);
  EXPECT_EQ(3, write(p.write.get(), "abc", 3));
  EXPECT_EQ(3, write(p.write.get(), "def", 3));
  EXPECT_EQ(3, read(p.read.get(), buffer_, 100));
  EXPECT_EQ(2, read(p.read.get(), buffer_, 2)) << "the rest of a packet is lost";
  ASSERT_OK(fcntl(p.read.get(), F_SETFL, O_NONBLOCK));
  EXPECT_ERRNO(read(p.read.get(), buffer_, 1), EAGAIN);
}

TEST_F(Pipes, ReopenThroughProc) {
  Fd again(open(("/proc/self/fd/" + std::to_string(r())).c_str(), O_WRONLY));
  ASSERT_TRUE(again.valid());
  EXPECT_EQ(1, write(again.get(), "x", 1));
  EXPECT_EQ(1, read(r(), buffer_, 10));
}

class Fifo : public Pipes {
 protected:
  void SetUp() override { ASSERT_OK(mkfifo(path().c_str(), 0600)); }
  std::string path() { return dir_ / "fifo"; }
  int Open(int flags) { return open(path().c_str(), flags); }
  ScopedTempDir dir_;
};

TEST_F(Fifo, OpenForReadingWaitsForAWriter) {
  Child child([&] {
    Fd fd(Open(O_WRONLY));
    EXPECT_EQ(1, write(fd.get(), "x", 1));
  });
  Fd fd(Open(O_RDONLY));
  EXPECT_EQ(1, read(fd.get(), buffer_, 10));
  EXPECT_EQ(0, read(fd.get(), buffer_, 10));
  child.ExpectSuccess();
}

TEST_F(Fifo, NonblockingOpens) {
  EXPECT_ERRNO(Open(O_WRONLY | O_NONBLOCK), ENXIO);
  Fd reader(Open(O_RDONLY | O_NONBLOCK));
  ASSERT_TRUE(reader.valid());
  EXPECT_EQ(0, read(reader.get(), buffer_, 1)) << "no writer: end of file";
  EXPECT_EQ(0, Poll(reader.get(), POLLIN)) << "but no hang-up before the first writer";
  Fd writer(Open(O_WRONLY | O_NONBLOCK));
  ASSERT_TRUE(writer.valid());
  EXPECT_ERRNO(read(reader.get(), buffer_, 1), EAGAIN);
  writer.Reset();
  EXPECT_EQ(POLLHUP, Poll(reader.get(), POLLIN));
}

TEST_F(Fifo, OpenForBothNeverWaits) {
  Fd fd(Open(O_RDWR));
  ASSERT_TRUE(fd.valid());
  EXPECT_EQ(1, write(fd.get(), "x", 1));
  EXPECT_EQ(1, read(fd.get(), buffer_, 10));
}

TEST_F(Fifo, ContentVanishesWithTheLastDescriptor) {
  {
    Fd fd(Open(O_RDWR));
    EXPECT_EQ(1, write(fd.get(), "x", 1));
  }
  Fd fd(Open(O_RDWR | O_NONBLOCK));
  EXPECT_ERRNO(read(fd.get(), buffer_, 10), EAGAIN);
}

TEST_F(Fifo, SeekIsEspipeAndStatSaysFifo) {
  Fd fd(Open(O_RDWR));
  EXPECT_ERRNO(lseek(fd.get(), 0, SEEK_SET), ESPIPE);
  struct stat s;
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_TRUE(S_ISFIFO(s.st_mode));
}

class Splice : public Pipes {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "f", "0123456789");
    file_.Reset(open((dir_ / "f").c_str(), O_RDWR));
  }
  int file() const { return file_.get(); }
  ScopedTempDir dir_;
  Fd file_;
};

TEST_F(Splice, FileToPipe) {
  EXPECT_EQ(4, splice(file(), nullptr, w(), nullptr, 4, 0));
  EXPECT_EQ(4, lseek(file(), 0, SEEK_CUR));
  off_t offset = 8;
  EXPECT_EQ(2, splice(file(), &offset, w(), nullptr, 100, 0));
  EXPECT_EQ(10, offset);
  EXPECT_EQ(6, read(r(), buffer_, 100));
  EXPECT_STREQ("012389", buffer_);
}

TEST_F(Splice, PipeToFile) {
  EXPECT_EQ(3, write(w(), "abc", 3));
  off_t offset = 2;
  EXPECT_EQ(3, splice(r(), nullptr, file(), &offset, 100, 0));
  EXPECT_EQ("01abc56789", ReadFile(dir_ / "f"));
}

TEST_F(Splice, PipeToPipe) {
  Pipe other;
  EXPECT_EQ(3, write(w(), "abc", 3));
  EXPECT_EQ(2, splice(r(), nullptr, other.write.get(), nullptr, 2, 0));
  EXPECT_EQ(1, Available());
  EXPECT_EQ(2, read(other.read.get(), buffer_, 100));
}

TEST_F(Splice, SocketBothWays) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  EXPECT_EQ(3, write(w(), "abc", 3));
  EXPECT_EQ(3, splice(r(), nullptr, a.get(), nullptr, 100, 0));
  EXPECT_EQ(3, splice(b.get(), nullptr, w(), nullptr, 100, 0));
  EXPECT_EQ(3, read(r(), buffer_, 100));
}

TEST_F(Splice, Errors) {
  off_t offset = 0;
  EXPECT_ERRNO(splice(file(), nullptr, file(), nullptr, 1, 0), EINVAL) << "one end must be a pipe";
  EXPECT_ERRNO(splice(r(), &offset, file(), nullptr, 1, 0), ESPIPE);
  EXPECT_ERRNO(splice(file(), nullptr, w(), &offset, 1, 0), ESPIPE);
  EXPECT_ERRNO(splice(file(), nullptr, r(), nullptr, 1, 0), EBADF);
  EXPECT_ERRNO(splice(-1, nullptr, w(), nullptr, 1, 0), EBADF);
  EXPECT_ERRNO(splice(file(), nullptr, w(), nullptr, 1, 0x100), EINVAL);
  EXPECT_EQ(0, splice(file(), nullptr, w(), nullptr, 0, 0));
  ASSERT_OK(fcntl(file(), F_SETFL, O_APPEND));
  EXPECT_EQ(1, write(w(), "x", 1));
  EXPECT_ERRNO(splice(r(), nullptr, file(), nullptr, 1, 0), EINVAL) << "not onto an append-only description";
}

TEST_F(Splice, NonblockOnEmptyAndFull) {
  Pipe other;
  EXPECT_ERRNO(splice(r(), nullptr, other.write.get(), nullptr, 1, SPLICE_F_NONBLOCK), EAGAIN);
  EXPECT_EQ(0, splice(file(), (lseek(file(), 0, SEEK_END), nullptr), w(), nullptr, 1, SPLICE_F_NONBLOCK));
}

TEST_F(Splice, TeeCopiesWithoutConsuming) {
  Pipe other;
  EXPECT_EQ(6, write(w(), "abcdef", 6));
  EXPECT_EQ(4, tee(r(), other.write.get(), 4, 0));
  EXPECT_EQ(6, Available());
  EXPECT_EQ(4, read(other.read.get(), buffer_, 100));
  EXPECT_STREQ("abcd", buffer_);
  EXPECT_ERRNO(tee(file(), w(), 1, 0), EINVAL);
  EXPECT_ERRNO(tee(r(), w(), 1, 0), EINVAL) << "the same pipe";
}

TEST_F(Splice, VmspliceIntoAndOutOfAPipe) {
  char a[] = "abc", b[] = "defg";
  iovec out[2] = {{a, 3}, {b, 4}};
  EXPECT_EQ(7, vmsplice(w(), out, 2, 0));
  iovec in = {buffer_, 100};
  EXPECT_EQ(7, vmsplice(r(), &in, 1, 0));
  EXPECT_STREQ("abcdefg", buffer_);
  EXPECT_ERRNO(vmsplice(file(), out, 2, 0), EBADF);
}

}  // namespace
}  // namespace guest
