// Reading, writing, seeking, resizing and copying of files.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Io : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "f", "0123456789");
    fd_.Reset(open((dir_ / "f").c_str(), O_RDWR));
  }
  int fd() const { return fd_.get(); }
  std::string Content() { return ReadFile(dir_ / "f"); }
  off_t Size() {
    struct stat s = {};
    EXPECT_OK(fstat(fd(), &s));
    return s.st_size;
  }
  ScopedTempDir dir_;
  Fd fd_;
  char buffer_[64] = {};
};

TEST_F(Io, ReadAdvancesAndEndsWithZero) {
  EXPECT_EQ(4, read(fd(), buffer_, 4));
  EXPECT_EQ(6, read(fd(), buffer_, 64));
  EXPECT_STREQ("456789", buffer_);
  EXPECT_EQ(0, read(fd(), buffer_, 64));
}

TEST_F(Io, WriteOverwritesAndExtends) {
  lseek(fd(), 8, SEEK_SET);
  EXPECT_EQ(4, write(fd(), "abcd", 4));
  EXPECT_EQ("01234567abcd", Content());
}

TEST_F(Io, PreadAndPwriteLeaveTheOffset) {
  EXPECT_EQ(3, pread(fd(), buffer_, 3, 5));
  EXPECT_STREQ("567", buffer_);
  EXPECT_EQ(2, pwrite(fd(), "xy", 2, 1));
  EXPECT_EQ(0, lseek(fd(), 0, SEEK_CUR));
  EXPECT_EQ("0xy3456789", Content());
  EXPECT_EQ(0, pread(fd(), buffer_, 3, 100));
  EXPECT_ERRNO(pread(fd(), buffer_, 1, -1), EINVAL);
  EXPECT_ERRNO(pwrite(fd(), buffer_, 1, -1), EINVAL);
}

TEST_F(Io, PreadOnAPipeIsEspipe) {
  Pipe pipe;
  EXPECT_ERRNO(pread(pipe.read.get(), buffer_, 1, 0), ESPIPE);
  EXPECT_ERRNO(pwrite(pipe.write.get(), buffer_, 1, 0), ESPIPE);
  EXPECT_ERRNO(lseek(pipe.read.get(), 0, SEEK_CUR), ESPIPE);
}

TEST_F(Io, WritingPastTheEndLeavesZeroes) {
  EXPECT_EQ(1, pwrite(fd(), "x", 1, 15));
  EXPECT_EQ(std::string("0123456789") + std::string(5, 0) + "x", Content());
}

TEST_F(Io, SeekMovesAndChecks) {
  EXPECT_EQ(5, lseek(fd(), 5, SEEK_SET));
  EXPECT_EQ(7, lseek(fd(), 2, SEEK_CUR));
  EXPECT_EQ(9, lseek(fd(), -1, SEEK_END));
  EXPECT_EQ(1000, lseek(fd(), 1000, SEEK_SET));
  EXPECT_EQ(0, read(fd(), buffer_, 1));
  EXPECT_ERRNO(lseek(fd(), -1, SEEK_SET), EINVAL);
  EXPECT_ERRNO(lseek(fd(), -2000, SEEK_CUR), EINVAL);
  EXPECT_ERRNO(lseek(fd(), 0, 99), EINVAL);
  EXPECT_EQ(1000, lseek(fd(), 0, SEEK_CUR));
}

TEST_F(Io, SeekDataAndHole) {
  EXPECT_EQ(0, lseek(fd(), 0, SEEK_DATA));
  EXPECT_EQ(10, lseek(fd(), 0, SEEK_HOLE)) << "the end of the file is a hole";
  EXPECT_ERRNO(lseek(fd(), 10, SEEK_DATA), ENXIO);
  EXPECT_ERRNO(lseek(fd(), 11, SEEK_HOLE), ENXIO);
  ASSERT_OK(ftruncate(fd(), 0));
  ASSERT_OK(ftruncate(fd(), 1 << 20));
  ASSERT_EQ(1, pwrite(fd(), "x", 1, 512 << 10));
  EXPECT_EQ(0, lseek(fd(), 0, SEEK_HOLE));
  EXPECT_EQ(512 << 10, lseek(fd(), 0, SEEK_DATA));
  EXPECT_EQ((512 << 10) + 4096, lseek(fd(), 512 << 10, SEEK_HOLE));
}

TEST_F(Io, VectorsScatterAndGather) {
  char a[3] = {}, b[5] = {};
  iovec in[3] = {{a, 2}, {nullptr, 0}, {b, 4}};
  EXPECT_EQ(6, readv(fd(), in, 3));
  EXPECT_STREQ("01", a);
  EXPECT_STREQ("2345", b);
  iovec out[2] = {{b, 4}, {a, 2}};
  EXPECT_EQ(6, pwritev(fd(), out, 2, 0));
  EXPECT_EQ("2345016789", Content());
  EXPECT_EQ(6, preadv(fd(), in, 3, 2));
  EXPECT_STREQ("45", a);
}

TEST_F(Io, VectorCountsAreChecked) {
  iovec one = {buffer_, 1};
  EXPECT_ERRNO(readv(fd(), &one, -1), EINVAL);
  std::vector<iovec> many(1025, one);
  EXPECT_ERRNO(readv(fd(), many.data(), 1025), EINVAL);
  EXPECT_ERRNO(writev(fd(), many.data(), 1025), EINVAL);
  EXPECT_EQ(1024, writev(fd(), many.data(), 1024));
}

TEST_F(Io, Preadv2Flags) {
  iovec v = {buffer_, 4};
  EXPECT_EQ(4, preadv2(fd(), &v, 1, -1, 0)) << "offset -1 means the file's own";
  EXPECT_EQ(4, lseek(fd(), 0, SEEK_CUR));
  EXPECT_ERRNO(preadv2(fd(), &v, 1, 0, 0x10000), EOPNOTSUPP);
  EXPECT_EQ(4, pwritev2(fd(), &v, 1, 0, RWF_SYNC));
  EXPECT_EQ(4, pwritev2(fd(), &v, 1, 0, RWF_APPEND));
  EXPECT_EQ(14, Size());
}

TEST_F(Io, TruncateShrinksAndGrows) {
  ASSERT_OK(truncate((dir_ / "f").c_str(), 4));
  EXPECT_EQ("0123", Content());
  ASSERT_OK(ftruncate(fd(), 6));
  EXPECT_EQ(std::string("0123") + std::string(2, 0), Content());
  EXPECT_ERRNO(ftruncate(fd(), -1), EINVAL);
  EXPECT_ERRNO(truncate((dir_ / "f").c_str(), -1), EINVAL);
  EXPECT_ERRNO(truncate((dir_ / "missing").c_str(), 1), ENOENT);
  EXPECT_ERRNO(truncate(dir_.c_str(), 1), EISDIR);
}

TEST_F(Io, TruncateDoesNotMoveTheOffset) {
  lseek(fd(), 8, SEEK_SET);
  ASSERT_OK(ftruncate(fd(), 2));
  EXPECT_EQ(8, lseek(fd(), 0, SEEK_CUR));
}

TEST_F(Io, TruncateOfSpecialFilesIsEinval) {
  Pipe pipe;
  EXPECT_ERRNO(ftruncate(pipe.write.get(), 0), EINVAL);
  Fd null(open("/dev/null", O_RDWR));
  EXPECT_ERRNO(ftruncate(null.get(), 0), EINVAL);
}

TEST_F(Io, TruncateNeedsWritePermission) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(truncate((dir_ / "f").c_str(), 0), EACCES); });
}

TEST_F(Io, FallocateExtendsAndKeepsSize) {
  EXPECT_OK(fallocate(fd(), 0, 0, 100));
  EXPECT_EQ(100, Size());
  EXPECT_OK(fallocate(fd(), FALLOC_FL_KEEP_SIZE, 0, 8192));
  EXPECT_EQ(100, Size());
  EXPECT_EQ("0123456789", Content().substr(0, 10));
}

TEST_F(Io, FallocatePunchesHoles) {
  std::string data(3 * 4096, 'x');
  ASSERT_EQ(static_cast<ssize_t>(data.size()), pwrite(fd(), data.data(), data.size(), 0));
  ASSERT_OK(fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
  EXPECT_EQ(std::string(4096, 'x') + std::string(4096, 0) + std::string(4096, 'x'), Content());
  ASSERT_OK(fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 20));
  EXPECT_EQ(std::string(10, 'x') + std::string(20, 0) + "x", Content().substr(0, 31));
}

TEST_F(Io, FallocateRefusesBadArguments) {
  EXPECT_ERRNO(fallocate(fd(), 0, -1, 1), EINVAL);
  EXPECT_ERRNO(fallocate(fd(), 0, 0, 0), EINVAL);
  EXPECT_ERRNO(fallocate(fd(), FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
  Fd read_only(open((dir_ / "f").c_str(), O_RDONLY));
  EXPECT_ERRNO(fallocate(read_only.get(), 0, 0, 1), EBADF);
  Pipe pipe;
  EXPECT_ERRNO(fallocate(pipe.write.get(), 0, 0, 1), ESPIPE);
}

TEST_F(Io, SyncCallsSucceedOnFilesOnly) {
  EXPECT_OK(fsync(fd()));
  EXPECT_OK(fdatasync(fd()));
  EXPECT_OK(syncfs(fd()));
  EXPECT_OK(sync_file_range(fd(), 0, 0, SYNC_FILE_RANGE_WRITE));
  Pipe pipe;
  EXPECT_ERRNO(fsync(pipe.read.get()), EINVAL);
  EXPECT_ERRNO(sync_file_range(fd(), -1, 0, 0), EINVAL);
  sync();
}

TEST_F(Io, FadviseAndReadahead) {
  EXPECT_EQ(0, posix_fadvise(fd(), 0, 0, POSIX_FADV_SEQUENTIAL));
  EXPECT_EQ(EINVAL, posix_fadvise(fd(), 0, 0, 99));
  Pipe pipe;
  EXPECT_EQ(ESPIPE, posix_fadvise(pipe.read.get(), 0, 0, POSIX_FADV_NORMAL));
  EXPECT_OK(readahead(fd(), 0, 100));
}

TEST_F(Io, SendfileMovesTheOffset) {
  Fd out(open((dir_ / "out").c_str(), O_CREAT | O_RDWR, 0600));
  EXPECT_EQ(4, sendfile(out.get(), fd(), nullptr, 4));
  EXPECT_EQ(4, lseek(fd(), 0, SEEK_CUR));
  off_t offset = 8;
  EXPECT_EQ(2, sendfile(out.get(), fd(), &offset, 100));
  EXPECT_EQ(10, offset);
  EXPECT_EQ(4, lseek(fd(), 0, SEEK_CUR));
  EXPECT_EQ("012389", ReadFile(dir_ / "out"));
}

TEST_F(Io, SendfileErrors) {
  Fd out(open((dir_ / "out").c_str(), O_CREAT | O_RDWR, 0600)), append(dup(out.get()));
  off_t negative = -1;
  EXPECT_ERRNO(sendfile(out.get(), fd(), &negative, 1), EINVAL);
  EXPECT_ERRNO(sendfile(out.get(), -1, nullptr, 1), EBADF);
  EXPECT_ERRNO(sendfile(-1, fd(), nullptr, 1), EBADF);
  Fd read_only(open((dir_ / "f").c_str(), O_RDONLY));
  EXPECT_ERRNO(sendfile(read_only.get(), fd(), nullptr, 1), EBADF);
  ASSERT_OK(fcntl(out.get(), F_SETFL, O_APPEND));
  EXPECT_ERRNO(sendfile(out.get(), fd(), nullptr, 1), EINVAL);
}

TEST_F(Io, SendfileToASocketAndPipe) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  EXPECT_EQ(10, sendfile(a.get(), fd(), nullptr, 100));
  EXPECT_EQ(10, read(b.get(), buffer_, 64));
  Pipe pipe;
  off_t start = 0;
  EXPECT_EQ(10, sendfile(pipe.write.get(), fd(), &start, 100));
  EXPECT_EQ(10, read(pipe.read.get(), buffer_, 64));
  EXPECT_STREQ("0123456789", buffer_);
}

TEST_F(Io, CopyFileRange) {
  Fd out(open((dir_ / "out").c_str(), O_CREAT | O_RDWR, 0600));
  off_t from = 2, to = 3;
  EXPECT_EQ(4, copy_file_range(fd(), &from, out.get(), &to, 4, 0));
  EXPECT_EQ(6, from);
  EXPECT_EQ(7, to);
  EXPECT_EQ(std::string(3, 0) + "2345", ReadFile(dir_ / "out"));
  from = 100;
  EXPECT_EQ(0, copy_file_range(fd(), &from, out.get(), &to, 4, 0)) << "past the end";
  from = 0;
  EXPECT_ERRNO(copy_file_range(fd(), &from, out.get(), &to, 1, 1), EINVAL);
  from = 0, to = 2;
  EXPECT_ERRNO(copy_file_range(fd(), &from, fd(), &to, 5, 0), EINVAL) << "overlapping";
  Fd dir(open(dir_.c_str(), O_RDONLY));
  EXPECT_ERRNO(copy_file_range(dir.get(), nullptr, out.get(), nullptr, 1, 0), EISDIR);
  Pipe pipe;
  EXPECT_ERRNO(copy_file_range(pipe.read.get(), nullptr, out.get(), nullptr, 1, 0), EINVAL);
}

TEST_F(Io, UnlinkedFileLivesUntilClosed) {
  ASSERT_OK(unlink((dir_ / "f").c_str()));
  EXPECT_EQ(10, read(fd(), buffer_, 64));
  EXPECT_EQ(1, write(fd(), "x", 1));
  EXPECT_EQ(11, Size());
  struct stat s;
  fstat(fd(), &s);
  EXPECT_EQ(0u, s.st_nlink);
}

TEST_F(Io, LargeOffsets) {
  off_t far = (off_t{1} << 35) + 5;
  ASSERT_EQ(1, pwrite(fd(), "z", 1, far));
  EXPECT_EQ(far + 1, Size());
  EXPECT_EQ(1, pread(fd(), buffer_, 1, far));
  EXPECT_EQ('z', buffer_[0]);
  struct stat s;
  fstat(fd(), &s);
  EXPECT_LT(s.st_blocks * 512, 1 << 20) << "sparse";
}

TEST_F(Io, LargeWriteAndReadRoundTrip) {
  std::string data(5 << 20, 0);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + i / 4096);
  ASSERT_EQ(static_cast<ssize_t>(data.size()), pwrite(fd(), data.data(), data.size(), 3));
  std::string got(data.size(), 0);
  EXPECT_EQ(static_cast<ssize_t>(got.size()), pread(fd(), got.data(), got.size(), 3));
  EXPECT_TRUE(data == got);
}

TEST_F(Io, AppendsFromTwoProcessesDoNotOverlap) {
  ASSERT_OK(ftruncate(fd(), 0));
  auto append = [&](char c) {
    Fd mine(open((dir_ / "f").c_str(), O_WRONLY | O_APPEND));
    std::string line(16, c);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(16, write(mine.get(), line.data(), 16));
  };
  Child a([&] { append('a'); }), b([&] { append('b'); });
  a.ExpectSuccess();
  b.ExpectSuccess();
  std::string content = Content();
  ASSERT_EQ(6400u, content.size());
  for (size_t i = 0; i < content.size(); i += 16) EXPECT_EQ(std::string(16, content[i]), content.substr(i, 16));
}

TEST_F(Io, SharedOffsetIsAtomicBetweenThreads) {
  ASSERT_OK(ftruncate(fd(), 0));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(8, write(fd(), "12345678", 8));
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(3200, Size());
}

TEST_F(Io, ReadvOfDirectoryAndBadDescriptors) {
  iovec v = {buffer_, 1};
  EXPECT_ERRNO(readv(-1, &v, 1), EBADF);
  EXPECT_ERRNO(read(-1, buffer_, 1), EBADF);
  EXPECT_ERRNO(write(12345, buffer_, 1), EBADF);
  EXPECT_ERRNO(lseek(-1, 0, SEEK_SET), EBADF);
  EXPECT_ERRNO(ftruncate(-1, 0), EBADF);
}

TEST_F(Io, FionreadCountsWhatIsLeft) {
  int n = 0;
  lseek(fd(), 4, SEEK_SET);
  EXPECT_OK(ioctl(fd(), FIONREAD, &n));
  EXPECT_EQ(6, n);
  EXPECT_ERRNO(ioctl(fd(), 0x12345678, &n), ENOTTY);
}

TEST_F(Io, FioclexSetsTheDescriptorFlag) {
  EXPECT_OK(ioctl(fd(), FIOCLEX));
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd(), F_GETFD));
  EXPECT_OK(ioctl(fd(), FIONCLEX));
  EXPECT_EQ(0, fcntl(fd(), F_GETFD));
}

TEST_F(Io, KindOfTheOwnerIsChecked) {
  f_owner_ex owner = {F_OWNER_PID, getpid()};
  EXPECT_OK(fcntl(fd(), F_SETOWN_EX, &owner));
  for (const int kind : {-1, 3, 563491517}) {
    const int unknown[2] = {kind, getpid()};
    EXPECT_ERRNO(fcntl(fd(), F_SETOWN_EX, unknown), EINVAL) << kind;
  }
  owner = {};
  EXPECT_OK(fcntl(fd(), F_GETOWN_EX, &owner));
  EXPECT_EQ(F_OWNER_PID, owner.type);
  EXPECT_EQ(getpid(), owner.pid);
}

}  // namespace
}  // namespace guest
