// What memory holds: copy-on-write, sharing, file mappings, madvise, mincore, msync, locking.
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

constexpr size_t kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

class Mapping {
 public:
  Mapping(size_t pages, int protection, int flags, int fd = -1, off_t offset = 0)
      : size_(pages * kPage), p_(static_cast<char*>(mmap(nullptr, size_, protection, flags, fd, offset))) {
    EXPECT_OK(p_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(p_, size_); }
  char* get() const { return p_; }
  char& operator[](size_t i) const { return p_[i]; }

 private:
  size_t size_;
  char* p_;
};

class Private : public Mapping {
 public:
  explicit Private(size_t pages) : Mapping(pages, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS) {}
};

class Shared : public Mapping {
 public:
  explicit Shared(size_t pages) : Mapping(pages, kReadWrite, MAP_SHARED | MAP_ANONYMOUS) {}
};

// A file of some pages, each filled with a letter, and its descriptor.
class LetterFile {
 public:
  explicit LetterFile(size_t pages) {
    std::string content;
    for (size_t i = 0; i < pages; ++i) content.append(kPage, static_cast<char>('a' + i));
    WriteFile(path(), content);
    fd_.Reset(open(path().c_str(), O_RDWR | O_CLOEXEC));
  }
  std::string path() const { return dir_ / "f"; }
  int fd() const { return fd_.get(); }
  std::string Read(off_t offset, size_t size) {
    std::string out(size, 0);
    out.resize(static_cast<size_t>(pread(fd(), out.data(), size, offset)));
    return out;
  }

 private:
  ScopedTempDir dir_;
  Fd fd_;
};

TEST(CopyOnWrite, ChildDoesNotSeeTheParentsWrites) {
  Private m(2);
  m[0] = 1;
  Event go;
  Child child([&] {
    go.Wait();
    EXPECT_EQ(1, m[0]);
    EXPECT_EQ(0, m[kPage]);
  });
  m[0] = 2;
  m[kPage] = 3;
  go.Set();
  child.ExpectSuccess();
}

TEST(CopyOnWrite, ParentDoesNotSeeTheChildsWrites) {
  Private m(64);
  for (size_t i = 0; i < 64; ++i) m[i * kPage] = static_cast<char>(i);
  InChild([&] {
    for (size_t i = 0; i < 64; ++i) m[i * kPage] = 99;
  });
  for (size_t i = 0; i < 64; ++i) EXPECT_EQ(static_cast<char>(i), m[i * kPage]);
}

TEST(CopyOnWrite, KernelWritesAreCopiedToo) {
  // read() into a page shared with a forked child must not show up there.
  Private m(1);
  m[0] = 'o';
  Event go;
  Child child([&] {
    go.Wait();
    EXPECT_EQ('o', m[0]);
  });
  Pipe pipe;
  EXPECT_EQ(1, write(pipe.write.get(), "n", 1));
  EXPECT_EQ(1, read(pipe.read.get(), m.get(), 1));
  EXPECT_EQ('n', m[0]);
  go.Set();
  child.ExpectSuccess();
}

TEST(CopyOnWrite, GrandchildrenAreIndependent) {
  Private m(1);
  m[0] = 1;
  InChild([&] {
    m[0] = 2;
    InChild([&] {
      EXPECT_EQ(2, m[0]);
      m[0] = 3;
    });
    EXPECT_EQ(2, m[0]);
  });
  EXPECT_EQ(1, m[0]);
}

TEST(SharedMemory, IsSharedAcrossFork) {
  Shared m(2);
  InChild([&] { m[kPage + 5] = 42; });
  EXPECT_EQ(42, m[kPage + 5]);
}

TEST(SharedMemory, MappingMadeAfterForkIsNotShared) {
  Event made;
  InChild([] {
    Shared m(1);
    m[0] = 1;
  });
  Shared m(1);
  EXPECT_EQ(0, m[0]);
}

TEST(SharedMemory, SurvivesTheProcessThatMadeIt) {
  Fd memfd(memfd_create("x", MFD_CLOEXEC));
  InChild([&] {
    ASSERT_OK(ftruncate(memfd.get(), kPage));
    Mapping m(1, kReadWrite, MAP_SHARED, memfd.get());
    m[7] = 7;
  });
  Mapping m(1, PROT_READ, MAP_SHARED, memfd.get());
  EXPECT_EQ(7, m[7]);
}

TEST(FileMapping, PrivateWritesStayPrivate) {
  LetterFile file(1);
  Mapping m(1, kReadWrite, MAP_PRIVATE, file.fd());
  EXPECT_EQ('a', m[10]);
  m[10] = 'X';
  EXPECT_EQ("a", file.Read(10, 1));
}

TEST(FileMapping, PrivateSeesFileChangesUntilWritten) {
  LetterFile file(2);
  Mapping m(2, kReadWrite, MAP_PRIVATE, file.fd());
  m[0] = 'X';
  EXPECT_EQ(1, pwrite(file.fd(), "Y", 1, 0));
  EXPECT_EQ('X', m[0]);
}

TEST(FileMapping, SharedWritesReachTheFile) {
  LetterFile file(2);
  Mapping m(2, kReadWrite, MAP_SHARED, file.fd());
  m[kPage + 3] = 'X';
  EXPECT_EQ("bXb", file.Read(kPage + 2, 3));
}

TEST(FileMapping, SharedSeesFileWrites) {
  LetterFile file(2);
  Mapping m(2, PROT_READ, MAP_SHARED, file.fd());
  EXPECT_EQ('b', m[kPage]);
  EXPECT_EQ(1, pwrite(file.fd(), "Y", 1, kPage));
  EXPECT_EQ('Y', m[kPage]);
}

TEST(FileMapping, TwoMappingsAreCoherent) {
  LetterFile file(1);
  Fd other(open(file.path().c_str(), O_RDWR));
  Mapping one(1, kReadWrite, MAP_SHARED, file.fd()), two(1, kReadWrite, MAP_SHARED, other.get());
  one[5] = 'Z';
  EXPECT_EQ('Z', two[5]);
}

TEST(FileMapping, SurvivesCloseAndUnlink) {
  LetterFile file(1);
  int fd = open(file.path().c_str(), O_RDWR);
  Mapping m(1, kReadWrite, MAP_SHARED, fd);
  close(fd);
  unlink(file.path().c_str());
  EXPECT_EQ('a', m[0]);
  m[0] = 'b';
  EXPECT_EQ("b", file.Read(0, 1));
}

TEST(FileMapping, OffsetSelectsThePages) {
  LetterFile file(3);
  Mapping m(1, PROT_READ, MAP_PRIVATE, file.fd(), 2 * kPage);
  EXPECT_EQ('c', m[0]);
}

TEST(FileMapping, TailOfTheLastPageIsZeroAndNotWritten) {
  LetterFile file(1);
  ASSERT_OK(ftruncate(file.fd(), 10));
  Mapping m(1, kReadWrite, MAP_SHARED, file.fd());
  EXPECT_EQ(0, m[10]);
  m[20] = 'x';
  EXPECT_EQ(std::string(10, 'a'), file.Read(0, 100));
}

TEST(FileMapping, GrowingTheFileMakesPagesAccessible) {
  LetterFile file(1);
  Mapping m(3, kReadWrite, MAP_SHARED, file.fd());
  int status = StatusOf([&] { (void)*static_cast<volatile char*>(m.get() + kPage); });
  EXPECT_EQ(SIGBUS, WTERMSIG(status));
  ASSERT_OK(ftruncate(file.fd(), 3 * kPage));
  EXPECT_EQ(0, m[2 * kPage]);
  m[2 * kPage] = 'q';
  EXPECT_EQ("q", file.Read(2 * kPage, 1));
}

TEST(FileMapping, IsSharedWithForkedChild) {
  LetterFile file(1);
  Mapping m(1, kReadWrite, MAP_SHARED, file.fd());
  InChild([&] { m[1] = 'C'; });
  EXPECT_EQ('C', m[1]);
}

TEST(FileMapping, AsBufferForItsOwnFile) {
  LetterFile file(2);
  Mapping m(2, kReadWrite, MAP_SHARED, file.fd());
  EXPECT_EQ(static_cast<ssize_t>(kPage), pwrite(file.fd(), m.get() + kPage, kPage, 0));
  EXPECT_EQ('b', m[0]);
  EXPECT_EQ(4, pread(file.fd(), m.get() + 100, 4, kPage));
  EXPECT_EQ('b', m[100]);
}

TEST(Madvise, DontneedZeroesPrivateMemory) {
  Private m(4);
  for (size_t i = 0; i < 4; ++i) m[i * kPage] = 1;
  EXPECT_OK(madvise(m.get() + kPage, 2 * kPage, MADV_DONTNEED));
  EXPECT_EQ(1, m[0]);
  EXPECT_EQ(0, m[kPage]);
  EXPECT_EQ(0, m[2 * kPage]);
  EXPECT_EQ(1, m[3 * kPage]);
}

TEST(Madvise, DontneedOnPrivateFileRestoresTheFile) {
  LetterFile file(1);
  Mapping m(1, kReadWrite, MAP_PRIVATE, file.fd());
  m[0] = 'X';
  EXPECT_OK(madvise(m.get(), kPage, MADV_DONTNEED));
  EXPECT_EQ('a', m[0]);
}

TEST(Madvise, DontneedKeepsSharedContent) {
  Shared m(1);
  m[0] = 5;
  EXPECT_OK(madvise(m.get(), kPage, MADV_DONTNEED));
  EXPECT_EQ(5, m[0]);
}

TEST(Madvise, RemovePunchesSharedMemory) {
  Shared m(2);
  m[0] = m[kPage] = 5;
  EXPECT_OK(madvise(m.get(), kPage, MADV_REMOVE));
  EXPECT_EQ(0, m[0]);
  EXPECT_EQ(5, m[kPage]);
}

TEST(Madvise, FreeKeepsWhatIsWrittenAfterwards) {
  Private m(1);
  m[0] = 1;
  EXPECT_OK(madvise(m.get(), kPage, MADV_FREE));
  m[0] = 2;
  EXPECT_EQ(2, m[0]);
}

TEST(Madvise, DontforkHidesFromTheChild) {
  Private m(1);
  EXPECT_OK(madvise(m.get(), kPage, MADV_DONTFORK));
  EXPECT_EQ(SIGSEGV, WTERMSIG(StatusOf([&] { (void)*static_cast<volatile char*>(m.get()); })));
  EXPECT_OK(madvise(m.get(), kPage, MADV_DOFORK));
  EXPECT_EQ(0, StatusOf([&] { (void)*static_cast<volatile char*>(m.get()); }));
}

TEST(Madvise, WipeonforkZeroesInTheChild) {
  Private m(1);
  m[0] = 1;
  EXPECT_OK(madvise(m.get(), kPage, MADV_WIPEONFORK));
  InChild([&] { EXPECT_EQ(0, m[0]); });
  EXPECT_EQ(1, m[0]);
}

TEST(Madvise, HintsAreAccepted) {
  Private m(4);
  for (int advice : {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
                     MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE}) {
    EXPECT_OK(madvise(m.get(), 4 * kPage, advice)) << advice;
  }
}

TEST(Madvise, RefusesBadArguments) {
  Private m(3);
  EXPECT_ERRNO(madvise(m.get() + 1, kPage, MADV_NORMAL), EINVAL);
  EXPECT_ERRNO(madvise(m.get(), kPage, 12345), EINVAL);
  EXPECT_OK(madvise(m.get(), 0, MADV_DONTNEED));
  munmap(m.get() + kPage, kPage);
  m[2 * kPage] = 1;
  EXPECT_ERRNO(madvise(m.get(), 3 * kPage, MADV_DONTNEED), ENOMEM);
  EXPECT_EQ(0, m[2 * kPage]) << "the mapped parts are still processed";
}

TEST(Mincore, ReportsTouchedPages) {
  Private m(4);
  m[kPage] = 1;
  unsigned char resident[4] = {};
  EXPECT_OK(mincore(m.get(), 4 * kPage, resident));
  EXPECT_EQ(1, resident[1] & 1);
  EXPECT_EQ(0, resident[3] & 1);
}

TEST(Mincore, RefusesBadArguments) {
  Private m(2);
  unsigned char resident[2];
  EXPECT_ERRNO(mincore(m.get() + 1, kPage, resident), EINVAL);
  EXPECT_ERRNO(syscall(SYS_mincore, m.get(), kPage, nullptr), EFAULT);
  munmap(m.get() + kPage, kPage);
  EXPECT_ERRNO(mincore(m.get(), 2 * kPage, resident), ENOMEM);
}

TEST(Msync, FlagsAndRanges) {
  LetterFile file(2);
  Mapping m(2, kReadWrite, MAP_SHARED, file.fd());
  m[0] = 'X';
  EXPECT_OK(msync(m.get(), 2 * kPage, MS_SYNC));
  EXPECT_OK(msync(m.get(), 2 * kPage, MS_ASYNC));
  EXPECT_OK(msync(m.get(), 2 * kPage, MS_INVALIDATE));
  EXPECT_ERRNO(msync(m.get() + 1, kPage, MS_SYNC), EINVAL);
  EXPECT_ERRNO(msync(m.get(), kPage, MS_SYNC | MS_ASYNC), EINVAL);
  EXPECT_ERRNO(msync(m.get(), kPage, 0x100), EINVAL);
  munmap(m.get() + kPage, kPage);
  EXPECT_ERRNO(msync(m.get(), 2 * kPage, MS_SYNC), ENOMEM);
}

TEST(Mlock, LocksAndUnlocks) {
  Private m(2);
  EXPECT_OK(mlock(m.get(), 2 * kPage));
  unsigned char resident[2] = {};
  EXPECT_OK(mincore(m.get(), 2 * kPage, resident));
  EXPECT_EQ(1, resident[0] & 1);
  EXPECT_EQ(1, resident[1] & 1);
  EXPECT_OK(munlock(m.get(), 2 * kPage));
  EXPECT_OK(mlock2(m.get(), kPage, MLOCK_ONFAULT));
  EXPECT_OK(munlock(m.get(), kPage));
  EXPECT_ERRNO(syscall(SYS_mlock2, m.get(), kPage, 2), EINVAL);
  munmap(m.get() + kPage, kPage);
  EXPECT_ERRNO(mlock(m.get(), 2 * kPage), ENOMEM);
  EXPECT_ERRNO(munlock(m.get(), 2 * kPage), ENOMEM);
}

TEST(Mlock, LimitAppliesToUsers) {
  REQUIRE_ROOT();
  InChild([] {
    rlimit limit = {kPage, kPage};
    ASSERT_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
    BecomeUser(kUser, kGroup);
    Private m(4);
    EXPECT_OK(mlock(m.get(), kPage));
    EXPECT_ERRNO(mlock(m.get(), 4 * kPage), ENOMEM);
    EXPECT_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
  });
  InChild([] {
    rlimit limit = {0, 0};
    ASSERT_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
    BecomeUser(kUser, kGroup);
    Private m(1);
    EXPECT_ERRNO(mlock(m.get(), kPage), EPERM);
  });
}

TEST(Mlock, AllFlagsAreChecked) {
  EXPECT_ERRNO(mlockall(0), EINVAL);
  EXPECT_ERRNO(mlockall(8), EINVAL);
  EXPECT_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
  EXPECT_OK(munlockall());
}

TEST(ProcessVm, ReadsAndWritesAChild) {
  Private m(2);
  m[0] = 'p';
  Event wrote, check;
  Child child([&] {
    m[0] = 'c';
    wrote.Set();
    check.Wait();
    EXPECT_EQ('w', m[0]);
  });
  wrote.Wait();
  char c = 0;
  iovec local = {&c, 1}, remote = {m.get(), 1};
  EXPECT_EQ(1, process_vm_readv(child.pid(), &local, 1, &remote, 1, 0));
  EXPECT_EQ('c', c);
  c = 'w';
  EXPECT_EQ(1, process_vm_writev(child.pid(), &local, 1, &remote, 1, 0));
  check.Set();
  EXPECT_EQ('p', m[0]);
  child.ExpectSuccess();
}

TEST(ProcessVm, PartialAndErrors) {
  Private m(2);
  munmap(m.get() + kPage, kPage);
  char buffer[64];
  iovec local = {buffer, 64}, remote = {m.get() + kPage - 16, 64};
  EXPECT_EQ(-1, process_vm_readv(0x3ffffff, &local, 1, &remote, 1, 0));
  EXPECT_EQ(ESRCH, errno);
  iovec split[2] = {{m.get() + kPage - 16, 16}, {m.get() + kPage, 16}};
  EXPECT_EQ(16, process_vm_readv(getpid(), &local, 1, split, 2, 0));
  remote = {m.get() + kPage, 16};
  EXPECT_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
  EXPECT_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 1), EINVAL);
}

TEST(ProcMem, ReadsOwnMemory) {
  Fd mem(open("/proc/self/mem", O_RDWR));
  ASSERT_TRUE(mem.valid());
  volatile int value = 77;
  int got = 0;
  EXPECT_EQ(static_cast<ssize_t>(sizeof(got)), pread(mem.get(), &got, sizeof(got), AsLong(const_cast<int*>(&value))));
  EXPECT_EQ(77, got);
  got = 78;
  EXPECT_EQ(static_cast<ssize_t>(sizeof(got)), pwrite(mem.get(), &got, sizeof(got), AsLong(const_cast<int*>(&value))));
  EXPECT_EQ(78, value);
  EXPECT_ERRNO(pread(mem.get(), &got, sizeof(got), 0x1000), EIO);
}

}  // namespace
}  // namespace guest
