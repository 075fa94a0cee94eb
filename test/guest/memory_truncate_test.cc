// Files that shrink and grow while they are mapped: files of a temporary directory and of memfd_create(2).
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

constexpr size_t kPage = 4096;

sigjmp_buf jump;
siginfo_t fault;

void OnFault(int, siginfo_t* info, void*) {
  fault = *info;
  siglongjmp(jump, 1);
}

// Whether reading the byte raises SIGBUS with BUS_ADRERR and its own address.
bool Faults(const char* p) {
  ScopedHandler handler(SIGBUS, OnFault, 0);
  fault = {};
  if (sigsetjmp(jump, 1) == 0) {
    (void)*const_cast<const volatile char*>(p);
    return false;
  }
  return fault.si_signo == SIGBUS && fault.si_code == BUS_ADRERR && fault.si_addr == p;
}

class TruncatedMapping : public ::testing::TestWithParam<bool> {
 protected:
  // Of `pages` pages that hold 'a', 'b', ..
  void SetUp() override {
    file_ =
        Fd(GetParam() ? memfd_create("test", MFD_ALLOW_SEALING) : open((dir_ / "f").c_str(), O_RDWR | O_CREAT, 0600));
    ASSERT_OK(file_.get());
    for (int i = 0; i < 4; ++i)
      ASSERT_EQ(ssize_t(kPage), pwrite(file_.get(), std::string(kPage, char('a' + i)).data(), kPage, i * kPage));
  }
  char* Map(int flags = MAP_SHARED, size_t pages = 4) {
    void* p = mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE, flags, file_.get(), 0);
    EXPECT_OK(p);
    return static_cast<char*>(p);
  }
  void Truncate(size_t size) { ASSERT_OK(ftruncate(file_.get(), size)); }

  ScopedTempDir dir_;
  Fd file_;
};

TEST_P(TruncatedMapping, PagesBehindTheEndFault) {
  char* p = Map();
  EXPECT_EQ('d', p[3 * kPage]);
  Truncate(kPage + 100);
  EXPECT_EQ('a', p[0]);
  EXPECT_EQ('b', p[kPage + 99]);
  EXPECT_EQ(0, p[kPage + 100]) << "the rest of the last page is zero";
  EXPECT_EQ(0, p[2 * kPage - 1]);
  EXPECT_TRUE(Faults(p + 2 * kPage));
  EXPECT_TRUE(Faults(p + 4 * kPage - 1));
  Truncate(0);
  EXPECT_TRUE(Faults(p));
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, ExtensionBringsZeros) {
  char* p = Map();
  Truncate(kPage);
  EXPECT_TRUE(Faults(p + kPage));
  Truncate(3 * kPage);
  EXPECT_EQ(0, p[kPage]);
  EXPECT_EQ(0, p[3 * kPage - 1]);
  EXPECT_TRUE(Faults(p + 3 * kPage));
  p[2 * kPage] = 'X';
  char back = 0;
  ASSERT_EQ(1, pread(file_.get(), &back, 1, 2 * kPage));
  EXPECT_EQ('X', back);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, SystemCallsReachWhatCameBack) {
  char* p = Map();
  Truncate(0);
  int pipe_fds[2];
  ASSERT_OK(pipe(pipe_fds));
  ASSERT_EQ(3, write(pipe_fds[1], "xyz", 3));
  EXPECT_ERRNO(read(pipe_fds[0], p + kPage, 3), EFAULT);
  Truncate(4 * kPage);
  ASSERT_EQ(3, write(pipe_fds[1], "123", 3));
  EXPECT_EQ(3, read(pipe_fds[0], p + kPage, 3));
  EXPECT_NE(0, p[kPage]);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, HolesReadAsZeros) {
  Truncate(0);
  Truncate(4 * kPage);
  char* p = Map();
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(0, p[i * kPage]);
  ASSERT_OK(fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kPage, kPage));
  EXPECT_EQ(0, p[kPage]);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, GrowthByWritingIsSeen) {
  char* p = Map(MAP_SHARED, 8);
  EXPECT_TRUE(Faults(p + 5 * kPage));
  ASSERT_EQ(1, pwrite(file_.get(), "e", 1, 5 * kPage));
  EXPECT_EQ(0, p[4 * kPage]);
  EXPECT_EQ('e', p[5 * kPage]);
  EXPECT_TRUE(Faults(p + 6 * kPage));
  Truncate(kPage);
  EXPECT_TRUE(Faults(p + 5 * kPage));
  EXPECT_EQ('a', p[0]);
  munmap(p, 8 * kPage);
}

TEST_P(TruncatedMapping, PrivateCopiesGoToo) {
  char* p = Map(MAP_PRIVATE);
  p[0] = 'P';
  p[2 * kPage] = 'Q';
  Truncate(kPage);
  EXPECT_EQ('P', p[0]);
  EXPECT_TRUE(Faults(p + 2 * kPage));
  Truncate(4 * kPage);
  EXPECT_EQ(0, p[2 * kPage]);
  p[2 * kPage] = 'R';
  p[3 * kPage] = 'S';
  char back = 1;
  ASSERT_EQ(1, pread(file_.get(), &back, 1, 2 * kPage));
  EXPECT_EQ(0, back);
  EXPECT_EQ('R', p[2 * kPage]);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, ReadOnlyMappingsFaultToo) {
  auto* p = static_cast<char*>(mmap(nullptr, 4 * kPage, PROT_READ, MAP_SHARED, file_.get(), 0));
  ASSERT_OK(p);
  Truncate(kPage);
  EXPECT_TRUE(Faults(p + kPage));
  ASSERT_OK(mprotect(p, 4 * kPage, PROT_READ | PROT_WRITE));
  EXPECT_TRUE(Faults(p + kPage));
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, MappingStaysOneThatCanBeMoved) {
  char* p = Map();
  Truncate(kPage);
  void* moved = mremap(p, 4 * kPage, 6 * kPage, MREMAP_MAYMOVE);
  ASSERT_OK(moved);
  p = static_cast<char*>(moved);
  EXPECT_EQ('a', p[0]);
  EXPECT_TRUE(Faults(p + kPage));
  EXPECT_TRUE(Faults(p + 5 * kPage));
  Truncate(6 * kPage);
  EXPECT_EQ(0, p[5 * kPage]);
  munmap(p, 6 * kPage);
}

TEST_P(TruncatedMapping, OtherProcessesSeeIt) {
  char* p = Map();
  int go[2];
  ASSERT_OK(pipe(go));
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    // Inherited, and inherited by a child of its own.
    const pid_t grandchild = fork();
    if (read(go[0], &byte, 1) != 1) _exit(2);
    const bool right = p[0] == 'a' && Faults(p + kPage);
    if (grandchild == 0) _exit(right ? 0 : 3);
    int status = 0;
    waitpid(grandchild, &status, 0);
    _exit(right && status == 0 ? 0 : 4);
  }
  Truncate(kPage);
  ASSERT_EQ(2, write(go[1], "gg", 2));
  int status = 0;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  close(go[0]);
  close(go[1]);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, AThreadInTheMiddleOfThePagesIsHit) {
  static volatile char* p;
  p = Map();
  InChild([&] {
    std::thread truncator([&] { (void)!ftruncate(file_.get(), kPage); });
    struct sigaction action {};
    action.sa_handler = [](int) { _exit(0); };
    sigaction(SIGBUS, &action, nullptr);
    for (;;) (void)p[2 * kPage];
  });
  munmap(const_cast<char*>(p), 4 * kPage);
}

TEST_P(TruncatedMapping, UnmappedRangesAreLeftAlone) {
  char* p = Map();
  munmap(p + 2 * kPage, kPage);
  void* other = mmap(p + 2 * kPage, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  ASSERT_EQ(p + 2 * kPage, other);
  p[2 * kPage] = 'o';
  Truncate(0);
  EXPECT_TRUE(Faults(p + kPage));
  EXPECT_TRUE(Faults(p + 3 * kPage));
  EXPECT_EQ('o', p[2 * kPage]);
  munmap(p, 4 * kPage);
}

TEST_P(TruncatedMapping, OpenWithTruncationIsOne) {
  char* p = Map();
  const std::string path = "/proc/self/fd/" + std::to_string(file_.get());
  Fd again(open(path.c_str(), O_RDWR | O_TRUNC));
  ASSERT_OK(again.get());
  EXPECT_TRUE(Faults(p));
  munmap(p, 4 * kPage);
}

INSTANTIATE_TEST_SUITE_P(Files, TruncatedMapping, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "memfd" : "file"; });

}  // namespace
}  // namespace guest
