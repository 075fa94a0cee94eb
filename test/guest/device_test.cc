// The device nodes of /dev.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include <set>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

Fd Open(const char* name, int flags = O_RDWR) {
  Fd fd(open((std::string("/dev/") + name).c_str(), flags | O_CLOEXEC));
  EXPECT_TRUE(fd.valid()) << name << " " << ErrnoText(errno);
  return fd;
}

TEST(DevNull, SwallowsAndEnds) {
  Fd fd = Open("null");
  char buffer[64] = {};
  EXPECT_EQ(0, read(fd.get(), buffer, 64));
  EXPECT_EQ(64, write(fd.get(), buffer, 64));
  EXPECT_EQ(0, lseek(fd.get(), 100, SEEK_SET));
  iovec v[2] = {{buffer, 10}, {buffer, 20}};
  EXPECT_EQ(30, writev(fd.get(), v, 2));
}

TEST(DevNull, LargeWritesSucceedWhole) {
  Fd fd = Open("null");
  std::string big(1 << 20, 'x');
  EXPECT_EQ(static_cast<ssize_t>(big.size()), write(fd.get(), big.data(), big.size()));
}

TEST(DevNull, IsAlwaysReady) {
  Fd fd = Open("null");
  pollfd p = {fd.get(), POLLIN | POLLOUT, 0};
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_EQ(POLLIN | POLLOUT, p.revents);
}

TEST(DevNull, CannotBeMapped) {
  Fd fd = Open("null");
  EXPECT_ERRNO(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd.get(), 0), ENODEV);
}

TEST(DevZero, ReadsZeroesSwallowsWrites) {
  Fd fd = Open("zero");
  std::string buffer(10000, 'x');
  EXPECT_EQ(10000, read(fd.get(), buffer.data(), buffer.size()));
  EXPECT_EQ(std::string(10000, 0), buffer);
  EXPECT_EQ(5, write(fd.get(), "abcde", 5));
}

TEST(DevZero, PrivateMappingIsAnonymousMemory) {
  Fd fd = Open("zero");
  auto* p = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd.get(), 0));
  ASSERT_OK(p);
  EXPECT_EQ(0, p[5000]);
  p[5000] = 1;
  InChild([&] {
    EXPECT_EQ(1, p[5000]);
    p[5000] = 2;
  });
  EXPECT_EQ(1, p[5000]);
  munmap(p, 8192);
}

TEST(DevZero, SharedMappingIsSharedWithChildren) {
  Fd fd = Open("zero");
  auto* p = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  ASSERT_OK(p);
  InChild([&] { p[7] = 7; });
  EXPECT_EQ(7, p[7]);
  auto* q = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  EXPECT_EQ(0, q[7]) << "each mapping is memory of its own";
  munmap(p, 4096);
  munmap(q, 4096);
}

TEST(DevFull, ReadsZeroesRefusesWrites) {
  Fd fd = Open("full");
  char buffer[16] = {1};
  EXPECT_EQ(16, read(fd.get(), buffer, 16));
  EXPECT_EQ(0, buffer[0]);
  EXPECT_ERRNO(write(fd.get(), "x", 1), ENOSPC);
}

TEST(DevRandom, GivesDifferentBytes) {
  for (const char* name : {"random", "urandom"}) {
    Fd fd = Open(name);
    std::string a(64, 0), b(64, 0);
    EXPECT_EQ(64, read(fd.get(), a.data(), 64)) << name;
    EXPECT_EQ(64, read(fd.get(), b.data(), 64)) << name;
    EXPECT_NE(a, b);
    std::set<char> distinct(a.begin(), a.end());
    EXPECT_GT(distinct.size(), 8u);
    EXPECT_EQ(4, write(fd.get(), "seed", 4));
    int bits = 0;
    EXPECT_OK(ioctl(fd.get(), 0x80045200 /* RNDGETENTCNT */, &bits));
  }
}

TEST(DevNodes, NumbersAndModes) {
  struct {
    const char* name;
    unsigned major, minor;
  } nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  for (auto& node : nodes) {
    struct stat s;
    ASSERT_OK(stat((std::string("/dev/") + node.name).c_str(), &s)) << node.name;
    EXPECT_TRUE(S_ISCHR(s.st_mode));
    EXPECT_EQ(makedev(node.major, node.minor), s.st_rdev) << node.name;
    EXPECT_EQ(0666u, s.st_mode & 0777) << node.name;
  }
}

TEST(DevNodes, UsersMayUseThem) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    for (const char* name : {"null", "zero", "full", "random", "urandom"}) Open(name);
  });
}

TEST(DevNodes, TruncateAndCreateFlagsAreHarmless) {
  Fd fd = Open("null", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  EXPECT_EQ(1, write(fd.get(), "x", 1));
}

TEST(DevNodes, MadeElsewhereBehaveTheSame) {
  REQUIRE_ROOT();
  ScopedTempDir dir;
  if (mknod((dir / "n").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) GTEST_SKIP() << "no device nodes here";
  struct stat s;
  ASSERT_OK(stat((dir / "n").c_str(), &s));
  EXPECT_EQ(makedev(1, 3), s.st_rdev);
}

TEST(DevFd, NamesOpenDescriptors) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "abc");
  Fd fd(open((dir / "f").c_str(), O_RDONLY));
  EXPECT_EQ("abc", ReadFile("/dev/fd/" + std::to_string(fd.get())));
  EXPECT_ERRNO(open("/dev/fd/12345", O_RDONLY), ENOENT);
}

TEST(DevFd, StandardStreams) {
  Pipe pipe;
  Child child([&] {
    dup2(pipe.write.get(), 1);
    Fd out(open("/dev/stdout", O_WRONLY));
    EXPECT_EQ(3, write(out.get(), "via", 3));
  });
  child.ExpectSuccess();
  pipe.write.Reset();
  EXPECT_EQ("via", ReadAll(pipe.read.get()));
}

TEST(DevShm, IsAWorldWritableDirectory) {
  struct stat s;
  ASSERT_OK(stat("/dev/shm", &s));
  EXPECT_EQ(01777u, s.st_mode & 07777);
  std::string name = "/guest-" + std::to_string(getpid());
  Fd fd(shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600));
  ASSERT_TRUE(fd.valid());
  EXPECT_OK(ftruncate(fd.get(), 4096));
  EXPECT_OK(shm_unlink(name.c_str()));
}

TEST(DevTty, WithoutATerminalIsEnxio) {
  InChild([] {
    setsid();
    EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
  });
}

TEST(DevZero, SeekAndPreadWork) {
  Fd fd = Open("zero");
  char c = 'x';
  EXPECT_EQ(1, pread(fd.get(), &c, 1, 1 << 30));
  EXPECT_EQ(0, c);
  EXPECT_EQ(0, lseek(fd.get(), 5, SEEK_SET));
}

}  // namespace
}  // namespace guest
