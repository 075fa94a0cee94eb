// mmap, munmap, mprotect, mremap and brk: the address space.
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstdint>
#include <sstream>
#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

namespace guest {
namespace {

constexpr size_t kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

// A mapping that is unmapped with everything in its range.
class Mapping {
 public:
  explicit Mapping(size_t pages, int protection = kReadWrite, int flags = kAnonymous, int fd = -1, off_t offset = 0)
      : size_(pages * kPage), p_(static_cast<char*>(mmap(nullptr, size_, protection, flags, fd, offset))) {
    EXPECT_OK(p_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(p_, size_); }
  char* get() const { return p_; }
  char* page(size_t n) const { return p_ + n * kPage; }
  char& operator[](size_t i) const { return p_[i]; }

 private:
  size_t size_;
  char* p_;
};

// A descriptor of an unlinked file of this content.
Fd TempFile(const std::string& content) {
  char name[] = "/tmp/guest.XXXXXX";
  Fd fd(mkostemp(name, O_CLOEXEC));
  EXPECT_TRUE(fd.valid());
  unlink(name);
  EXPECT_EQ(static_cast<ssize_t>(content.size()), write(fd.get(), content.data(), content.size()));
  return fd;
}

bool CanRead(const void* p) {
  return StatusOf([p] { (void)*static_cast<const volatile char*>(p); }) == 0;
}
bool CanWrite(void* p) {
  return StatusOf([p] {
           auto* c = static_cast<volatile char*>(p);
           *c = *c;
         }) == 0;
}

struct Vma {
  uintptr_t start = 0, end = 0;
  std::string permissions, rest;
};

// The entry of /proc/self/maps that holds `p`.
Vma FindVma(const void* p) {
  std::istringstream maps(ReadFile("/proc/self/maps"));
  std::string line;
  while (std::getline(maps, line)) {
    Vma vma;
    char permissions[8] = {};
    int used = 0;
    if (sscanf(line.c_str(), "%lx-%lx %4s %n", &vma.start, &vma.end, permissions, &used) != 3) continue;
    vma.permissions = permissions;
    vma.rest = line.substr(static_cast<size_t>(used));
    if (vma.start <= reinterpret_cast<uintptr_t>(p) && reinterpret_cast<uintptr_t>(p) < vma.end) return vma;
  }
  return {};
}

TEST(Mmap, AnonymousMemoryIsZero) {
  Mapping m(16);
  for (size_t i = 0; i < 16 * kPage; i += 512) EXPECT_EQ(0, m[i]);
}

TEST(Mmap, LengthIsRoundedUp) {
  char* p = static_cast<char*>(mmap(nullptr, 100, kReadWrite, kAnonymous, -1, 0));
  p[kPage - 1] = 1;
  EXPECT_OK(munmap(p, 1));
  EXPECT_FALSE(CanRead(p));
}

TEST(Mmap, ZeroLengthIsEinval) { EXPECT_ERRNO(mmap(nullptr, 0, kReadWrite, kAnonymous, -1, 0), EINVAL); }

TEST(Mmap, HugeLengthIsEnomem) {
  EXPECT_ERRNO(mmap(nullptr, SIZE_MAX, kReadWrite, kAnonymous, -1, 0), ENOMEM);
  EXPECT_ERRNO(mmap(nullptr, size_t{1} << 47, kReadWrite, kAnonymous, -1, 0), ENOMEM);
}

TEST(Mmap, NeedsExactlyOneKindOfSharing) {
  EXPECT_ERRNO(mmap(nullptr, kPage, kReadWrite, MAP_ANONYMOUS, -1, 0), EINVAL);
}

TEST(Mmap, UnalignedOffsetIsEinval) {
  EXPECT_ERRNO(syscall(SYS_mmap, nullptr, kPage, PROT_READ, kAnonymous, -1, 1), EINVAL);
}

TEST(Mmap, BadDescriptorIsEbadf) { EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, -1, 0), EBADF); }

TEST(Mmap, WriteOnlyDescriptorIsEacces) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "x");
  Fd write_only(open((dir / "f").c_str(), O_WRONLY)), read_only(open((dir / "f").c_str(), O_RDONLY));
  EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, write_only.get(), 0), EACCES);
  EXPECT_ERRNO(mmap(nullptr, kPage, kReadWrite, MAP_SHARED, read_only.get(), 0), EACCES);
  Mapping allowed(1, kReadWrite, MAP_PRIVATE, read_only.get());
}

TEST(Mmap, DirectoryIsEnodevPipeToo) {
  Fd dir(open("/tmp", O_RDONLY | O_DIRECTORY));
  EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, dir.get(), 0), ENODEV);
  Pipe pipe;
  EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, pipe.read.get(), 0), ENODEV);
}

TEST(Mmap, PathDescriptorIsEbadf) {
  Fd fd(open("/tmp", O_PATH));
  EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, fd.get(), 0), EBADF);
}

TEST(Mmap, FixedReplacesWhatWasThere) {
  Mapping m(3);
  m[kPage] = 7;
  EXPECT_EQ(m.page(1), mmap(m.page(1), kPage, kReadWrite, kAnonymous | MAP_FIXED, -1, 0));
  EXPECT_EQ(0, m[kPage]);
}

TEST(Mmap, FixedNeedsAlignment) {
  Mapping m(3);
  EXPECT_ERRNO(mmap(m.get() + 1, kPage, kReadWrite, kAnonymous | MAP_FIXED, -1, 0), EINVAL);
}

TEST(Mmap, FixedInKernelSpaceIsEnomem) {
  EXPECT_ERRNO(mmap(reinterpret_cast<void*>(0xffff800000000000), kPage, kReadWrite, kAnonymous | MAP_FIXED, -1, 0),
               ENOMEM);
}

TEST(Mmap, FixedNoreplaceRefusesOverlap) {
  Mapping m(3);
  EXPECT_ERRNO(mmap(m.page(1), kPage, kReadWrite, kAnonymous | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  munmap(m.page(1), kPage);
  EXPECT_EQ(m.page(1), mmap(m.page(1), kPage, kReadWrite, kAnonymous | MAP_FIXED_NOREPLACE, -1, 0));
}

TEST(Mmap, HintIsUsedWhenFreeAndIgnoredWhenTaken) {
  Mapping m(4);
  munmap(m.page(1), kPage);
  EXPECT_EQ(m.page(1), mmap(m.page(1), kPage, kReadWrite, kAnonymous, -1, 0));
  void* other = mmap(m.page(1), kPage, kReadWrite, kAnonymous, -1, 0);
  EXPECT_NE(m.page(1), other);
  munmap(other, kPage);
}

TEST(Mmap, LowAddressesAreRefusedToUsers) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup,
            [] { EXPECT_ERRNO(mmap(nullptr, kPage, kReadWrite, kAnonymous | MAP_FIXED, -1, 0), EPERM); });
}

TEST(Mmap, Map32BitStaysLow) {
  Mapping m(1, kReadWrite, kAnonymous | MAP_32BIT);
  EXPECT_LT(reinterpret_cast<uintptr_t>(m.get()), uintptr_t{1} << 31);
}

TEST(Mmap, PopulateAndNoreserveWork) {
  Mapping populated(8, kReadWrite, kAnonymous | MAP_POPULATE);
  unsigned char resident[8] = {};
  EXPECT_OK(mincore(populated.get(), 8 * kPage, resident));
  for (unsigned char r : resident) EXPECT_EQ(1, r & 1);
  Mapping reserved(1 << 20, kReadWrite, kAnonymous | MAP_NORESERVE);  // 4 GiB
  reserved[size_t{3} << 30] = 1;
}

TEST(Mmap, GrowsdownGrowsOnAccessBelow) {
  // Leave room below: a guard gap of 256 pages is kept to the next mapping.
  Mapping room(2048, PROT_NONE);
  char* top = room.page(2040);
  munmap(room.get(), 2048 * kPage);
  char* p = static_cast<char*>(mmap(top, kPage, kReadWrite, kAnonymous | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0));
  ASSERT_EQ(top, p);
  *static_cast<volatile char*>(p - 1) = 1;
  *static_cast<volatile char*>(p - 5 * kPage) = 2;
  EXPECT_EQ(2, p[-5 * static_cast<long>(kPage)]);
  Vma vma = FindVma(p);
  EXPECT_LE(vma.start, reinterpret_cast<uintptr_t>(p) - 5 * kPage);
  munmap(reinterpret_cast<void*>(vma.start), vma.end - vma.start);
}

TEST(Mmap, SharedValidateChecksFlags) {
  Fd fd = TempFile("x");
  EXPECT_ERRNO(mmap(nullptr, kPage, PROT_READ, MAP_SHARED_VALIDATE | (1 << 23), fd.get(), 0), EOPNOTSUPP);
  Mapping fine(1, PROT_READ, MAP_SHARED_VALIDATE, fd.get());
}

TEST(Mmap, AddressSpaceLimitIsEnomem) {
  InChild([] {
    rlimit limit = {};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 1 << 30;
    ASSERT_OK(setrlimit(RLIMIT_AS, &limit));
    EXPECT_ERRNO(mmap(nullptr, size_t{2} << 30, kReadWrite, kAnonymous, -1, 0), ENOMEM);
    EXPECT_OK(mmap(nullptr, 1 << 20, kReadWrite, kAnonymous, -1, 0));
  });
}

TEST(Munmap, MiddleLeavesBothEnds) {
  Mapping m(5);
  m[0] = 1;
  m[4 * kPage] = 5;
  EXPECT_OK(munmap(m.page(1), 3 * kPage));
  EXPECT_EQ(1, m[0]);
  EXPECT_EQ(5, m[4 * kPage]);
  EXPECT_FALSE(CanRead(m.page(1)));
  EXPECT_FALSE(CanRead(m.page(3)));
}

TEST(Munmap, UnmappedRangeIsFine) {
  Mapping m(2);
  EXPECT_OK(munmap(m.get(), kPage));
  EXPECT_OK(munmap(m.get(), 2 * kPage));
}

TEST(Munmap, RefusesBadRanges) {
  Mapping m(1);
  EXPECT_ERRNO(munmap(m.get() + 1, kPage), EINVAL);
  EXPECT_ERRNO(munmap(m.get(), 0), EINVAL);
  EXPECT_ERRNO(munmap(reinterpret_cast<void*>(0xffff800000000000), kPage), EINVAL);
  EXPECT_ERRNO(munmap(m.get(), SIZE_MAX - kPage), EINVAL);
}

TEST(Munmap, SpansSeveralMappings) {
  Mapping m(6);
  mprotect(m.page(2), kPage, PROT_READ);
  munmap(m.page(4), kPage);
  EXPECT_OK(munmap(m.get(), 6 * kPage));
  for (size_t i = 0; i < 6; ++i) EXPECT_FALSE(CanRead(m.page(i)));
}

TEST(Mprotect, TakesAwayAndGivesBack) {
  Mapping m(3);
  EXPECT_OK(mprotect(m.page(1), kPage, PROT_READ));
  EXPECT_TRUE(CanRead(m.page(1)));
  EXPECT_FALSE(CanWrite(m.page(1)));
  EXPECT_TRUE(CanWrite(m.page(0)));
  EXPECT_TRUE(CanWrite(m.page(2)));
  EXPECT_OK(mprotect(m.page(1), kPage, PROT_NONE));
  EXPECT_FALSE(CanRead(m.page(1)));
  EXPECT_OK(mprotect(m.page(1), kPage, kReadWrite));
  EXPECT_TRUE(CanWrite(m.page(1)));
}

TEST(Mprotect, ContentSurvives) {
  Mapping m(1);
  m[5] = 42;
  mprotect(m.get(), kPage, PROT_NONE);
  mprotect(m.get(), kPage, PROT_READ);
  EXPECT_EQ(42, m[5]);
}

TEST(Mprotect, RefusesHolesAndBadArguments) {
  Mapping m(3);
  munmap(m.page(1), kPage);
  EXPECT_ERRNO(mprotect(m.get(), 3 * kPage, PROT_READ), ENOMEM);
  EXPECT_ERRNO(mprotect(m.get() + 1, kPage, PROT_READ), EINVAL);
  EXPECT_ERRNO(mprotect(m.get(), kPage, 0x100), EINVAL);
  EXPECT_ERRNO(mprotect(m.get(), kPage, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
  EXPECT_OK(mprotect(m.get(), 0, PROT_READ));
}

TEST(Mprotect, WriteOnSharedReadOnlyFileIsEacces) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "x");
  Fd fd(open((dir / "f").c_str(), O_RDONLY));
  Mapping m(1, PROT_READ, MAP_SHARED, fd.get());
  EXPECT_ERRNO(mprotect(m.get(), kPage, kReadWrite), EACCES);
}

TEST(Mprotect, NewCodeExecutes) {
  Mapping m(1);
  const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
  memcpy(m.get(), code, sizeof(code));
  ASSERT_OK(mprotect(m.get(), kPage, PROT_READ | PROT_EXEC));
  EXPECT_EQ(42, reinterpret_cast<int (*)()>(m.get())());
}

TEST(Mremap, ShrinksInPlace) {
  Mapping m(4);
  EXPECT_EQ(m.get(), mremap(m.get(), 4 * kPage, 2 * kPage, 0));
  EXPECT_TRUE(CanRead(m.page(1)));
  EXPECT_FALSE(CanRead(m.page(2)));
}

TEST(Mremap, GrowsInPlaceWhenFree) {
  Mapping m(4);
  munmap(m.page(2), 2 * kPage);
  m[0] = 9;
  EXPECT_EQ(m.get(), mremap(m.get(), 2 * kPage, 4 * kPage, 0));
  EXPECT_EQ(0, m[3 * kPage]);
  EXPECT_EQ(9, m[0]);
}

TEST(Mremap, WithoutMaymoveIsEnomemWhenBlocked) {
  Mapping m(4);
  mprotect(m.page(2), kPage, PROT_READ);
  EXPECT_ERRNO(mremap(m.get(), 2 * kPage, 3 * kPage, 0), ENOMEM);
}

TEST(Mremap, MovesWithContent) {
  Mapping m(4);
  m[0] = 1;
  m[kPage] = 2;
  mprotect(m.page(2), kPage, PROT_READ);
  char* moved = static_cast<char*>(mremap(m.get(), 2 * kPage, 64 * kPage, MREMAP_MAYMOVE));
  ASSERT_OK(moved);
  EXPECT_NE(m.get(), moved);
  EXPECT_EQ(1, moved[0]);
  EXPECT_EQ(2, moved[kPage]);
  EXPECT_EQ(0, moved[63 * kPage]);
  EXPECT_FALSE(CanRead(m.get()));
  munmap(moved, 64 * kPage);
}

TEST(Mremap, FixedReplacesTheTarget) {
  Mapping from(2), to(4);
  from[0] = 1;
  to[kPage] = 5;
  EXPECT_EQ(to.page(1), mremap(from.get(), kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to.page(1)));
  EXPECT_EQ(1, to[kPage]);
  EXPECT_FALSE(CanRead(from.get()));
}

TEST(Mremap, DontunmapLeavesAnEmptySource) {
  Mapping m(2);
  m[0] = 1;
  char* moved =
      reinterpret_cast<char*>(syscall(SYS_mremap, m.get(), 2 * kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
  ASSERT_OK(moved);
  EXPECT_EQ(1, moved[0]);
  EXPECT_EQ(0, m[0]);
  munmap(moved, 2 * kPage);
}

TEST(Mremap, ZeroOldSizeDuplicatesSharedMemory) {
  Mapping m(1, kReadWrite, MAP_SHARED | MAP_ANONYMOUS);
  char* second = static_cast<char*>(mremap(m.get(), 0, kPage, MREMAP_MAYMOVE));
  ASSERT_OK(second);
  second[0] = 5;
  EXPECT_EQ(5, m[0]);
  munmap(second, kPage);
}

TEST(Mremap, RefusesBadArguments) {
  Mapping m(4), other(4);
  EXPECT_ERRNO(mremap(m.get() + 1, kPage, kPage, 0), EINVAL);
  EXPECT_ERRNO(mremap(m.get(), kPage, 0, 0), EINVAL);
  EXPECT_ERRNO(mremap(m.get(), kPage, kPage, 8), EINVAL);
  EXPECT_ERRNO(mremap(m.get(), kPage, kPage, MREMAP_FIXED, other.get()), EINVAL);
  EXPECT_ERRNO(mremap(m.get(), 2 * kPage, 2 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, m.page(1)), EINVAL);
  EXPECT_ERRNO(mremap(m.get(), 0, kPage, MREMAP_MAYMOVE), EINVAL) << "private memory cannot be duplicated";
  munmap(m.page(1), kPage);
  EXPECT_ERRNO(mremap(m.page(1), kPage, 2 * kPage, MREMAP_MAYMOVE), EFAULT);
  EXPECT_ERRNO(mremap(m.get(), 4 * kPage, 8 * kPage, MREMAP_MAYMOVE), EFAULT);
}

TEST(Mremap, FileMappingKeepsItsOffset) {
  Fd fd = TempFile(std::string(kPage, 'a') + std::string(kPage, 'b') + std::string(kPage, 'c'));
  Mapping m(1, PROT_READ, MAP_PRIVATE, fd.get(), kPage);
  char* moved = static_cast<char*>(mremap(m.get(), kPage, 2 * kPage, MREMAP_MAYMOVE));
  ASSERT_OK(moved);
  EXPECT_EQ('b', moved[0]);
  EXPECT_EQ('c', moved[kPage]);
  munmap(moved, 2 * kPage);
}

TEST(Brk, GrowsAndShrinks) {
  InChild([] {
    char* start = static_cast<char*>(sbrk(0));
    ASSERT_OK(brk(start + 10 * kPage));
    EXPECT_EQ(start + 10 * kPage, sbrk(0));
    start[10 * kPage - 1] = 1;
    ASSERT_OK(brk(start + 5 * kPage));
    EXPECT_FALSE(CanRead(start + 8 * kPage));
    ASSERT_OK(brk(start + 10 * kPage));
    EXPECT_EQ(0, start[10 * kPage - 1]) << "fresh memory is zero";
  });
}

TEST(Brk, RawCallReturnsTheBreakOnFailure) {
  long now = syscall(SYS_brk, 0);
  EXPECT_EQ(now, syscall(SYS_brk, 1));
  EXPECT_EQ(now, syscall(SYS_brk, 0xffff800000000000));
}

TEST(Brk, HeapHasItsNameInMaps) {
  InChild([] {
    char* start = static_cast<char*>(sbrk(4 * kPage));
    EXPECT_NE(std::string::npos, FindVma(start).rest.find("[heap]"));
  });
}

TEST(Brk, DataLimitIsEnomem) {
  InChild([] {
    rlimit limit = {};
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = 0;
    ASSERT_OK(setrlimit(RLIMIT_DATA, &limit));
    long now = syscall(SYS_brk, 0);
    EXPECT_EQ(now, syscall(SYS_brk, now + (64 << 20)));
  });
}

TEST(Maps, ShowPermissionsAndSharing) {
  Mapping m(3, PROT_READ), shared(1, kReadWrite, MAP_SHARED | MAP_ANONYMOUS);
  mprotect(m.page(1), kPage, PROT_NONE);
  EXPECT_EQ("r--p", FindVma(m.get()).permissions);
  EXPECT_EQ("---p", FindVma(m.page(1)).permissions);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(m.page(1)), FindVma(m.page(1)).start);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(m.page(2)), FindVma(m.page(1)).end);
  EXPECT_EQ("rw-s", FindVma(shared.get()).permissions);
  EXPECT_NE(std::string::npos, FindVma(shared.get()).rest.find("/dev/zero (deleted)"));
}

TEST(Maps, ShowFileOffsetAndName) {
  ScopedTempDir dir;
  WriteFile(dir / "name", std::string(3 * kPage, 'x'));
  Fd fd(open((dir / "name").c_str(), O_RDONLY));
  Mapping m(1, PROT_READ, MAP_PRIVATE, fd.get(), kPage);
  std::string rest = FindVma(m.get()).rest;
  EXPECT_EQ(0u, rest.find("00001000 ")) << rest;
  EXPECT_NE(std::string::npos, rest.find(dir / "name"));
  unlink((dir / "name").c_str());
  EXPECT_NE(std::string::npos, FindVma(m.get()).rest.find("name (deleted)"));
}

TEST(Maps, StackIsNamed) {
  int local = 0;
  Vma vma = FindVma(&local);
  EXPECT_NE(std::string::npos, vma.rest.find("[stack]"));
  EXPECT_EQ("rw-p", vma.permissions);
}

TEST(Maps, NeighboursWithEqualFlagsMerge) {
  Mapping m(4);
  mprotect(m.page(1), kPage, PROT_READ);
  mprotect(m.page(1), kPage, kReadWrite);
  Vma vma = FindVma(m.get());
  EXPECT_LE(vma.start, reinterpret_cast<uintptr_t>(m.get()));
  EXPECT_GE(vma.end, reinterpret_cast<uintptr_t>(m.get() + 4 * kPage));
}

// More pieces of shared memory than a process has descriptors.
TEST(Mmap, ManySmallSharedPieces) {
  constexpr int kPieces = 10000;
  InChild([] {
    std::vector<int*> pieces;
    for (int i = 0; i < kPieces; ++i) {
      auto* piece = static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
      ASSERT_OK(piece);
      ASSERT_EQ(0, *piece);
      *piece = i;
      pieces.push_back(piece);
    }
    InChild([&] { *pieces[5] = -5; });
    EXPECT_EQ(-5, *pieces[5]);
    for (int i : {0, 1, kPieces / 2, kPieces - 1}) EXPECT_EQ(i, *pieces[static_cast<size_t>(i)]);
  });
}

}  // namespace
}  // namespace guest
