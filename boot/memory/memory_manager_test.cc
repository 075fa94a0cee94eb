#include "boot/memory/memory_manager.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "boot/base/checked.h"
#include "boot/memory/fake_platform.h"

namespace runsc {
namespace {

using Limits = MemoryManager::CallLimits;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::uint64_t kBase = 0x10000000;

// Pages of `fd` 100, in one segment or in many.
class FakeFile : public FileDescription {
 public:
  explicit FakeFile(int flags, std::uint64_t segment_pages = 0)
      : FileDescription({}, {flags}), segment_bytes_(segment_pages * kPageSize) {}
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool writable) override {
    if (sealed && writable) return Errno(EPERM);
    FileMapping mapping;
    while (length != 0) {
      std::uint64_t part = segment_bytes_ == 0 ? length : std::min(length, segment_bytes_);
      if (offset < size) part = std::min(part, size - offset);
      mapping.segments.push_back({offset < size ? 100 : -1, offset, part});
      offset += part;
      length -= part;
    }
    return mapping;
  }
  bool sealed = false;
  std::uint64_t size = ~0ULL;

 private:
  std::uint64_t segment_bytes_;
};

class MemoryManagerTest : public testing::Test {
 protected:
  MemoryManagerTest() : memory_(*MemoryManager::create(platform_, 8 << 20)) {}

  FakeAddressSpace& host() { return static_cast<FakeAddressSpace&>(memory_->space()); }
  Result<std::uint64_t> map(std::uint64_t address, std::uint64_t pages, int protection = kReadWrite,
                            int flags = kAnonymous, FilePtr file = nullptr, std::uint64_t offset = 0) {
    return memory_->mmap({address, pages * kPageSize, protection, flags, std::move(file), offset, {}}, {});
  }
  // At kBase + 4096 * page.
  void map_at(std::uint64_t page, std::uint64_t pages, int protection = kReadWrite, FilePtr file = nullptr) {
    const int flags = MAP_PRIVATE | MAP_FIXED | (file == nullptr ? MAP_ANONYMOUS : 0);
    ASSERT_TRUE(map(at(page), pages, protection, flags, std::move(file), page * kPageSize).ok());
  }
  static std::uint64_t at(std::uint64_t page) { return kBase + page * kPageSize; }

  // The VMA list and the host agree on every page.
  void expect_consistent() {
    FakeAddressSpace::Pages listed;
    for (const Vma& vma : memory_->vmas()) {
      if (vma.sealed) continue;
      for (std::uint64_t address = vma.start; address < vma.end; address += kPageSize)
        listed[address / kPageSize] = {host_protection(vma.protection), vma.shared, vma.file != nullptr ? 100 : -1,
                                       vma.file != nullptr ? vma.file_offset(address) / kPageSize : 0};
    }
    ASSERT_EQ(listed.size(), host().pages().size());
    auto expected = listed.begin();
    for (const auto& [page, what] : host().pages()) {
      ASSERT_EQ(expected->first, page);
      ASSERT_EQ(expected->second, what) << "page " << std::hex << page << " list " << expected->second.protection << ","
                                        << expected->second.fd << "," << expected->second.file_page << " host "
                                        << what.protection << "," << what.fd << "," << what.file_page;
      ++expected;
    }
  }

  FakePlatform platform_;
  std::shared_ptr<MemoryManager> memory_;
};

#define EXPECT_ERROR(error_number, expression)                                  \
  do {                                                                          \
    const auto result_ = (expression);                                          \
    ASSERT_FALSE(result_.ok());                                                 \
    EXPECT_STREQ(errno_name(Errno(error_number)), errno_name(result_.error())); \
  } while (false)

TEST_F(MemoryManagerTest, MappingsLieBelowEachOther) {
  const auto first = map(0, 4), second = map(0, 4);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second + 4 * kPageSize);
  EXPECT_EQ(3u, memory_->vmas().size());  // merged, with vvar and vdso
  expect_consistent();
}

TEST_F(MemoryManagerTest, AddressesAreRandom) {
  EXPECT_NE(*map(0, 1), *(*MemoryManager::create(platform_, 8 << 20))->mmap({0, 1, 0, kAnonymous, {}, 0, {}}, {}));
  auto plain = *MemoryManager::create(platform_, 8 << 20, false);
  auto again = *MemoryManager::create(platform_, 8 << 20, false);
  EXPECT_EQ(*plain->mmap({0, 1, 0, kAnonymous, {}, 0, {}}, {}), *again->mmap({0, 1, 0, kAnonymous, {}, 0, {}}, {}));
}

TEST_F(MemoryManagerTest, HintIsTakenWhenFree) {
  EXPECT_EQ(kBase, *map(kBase, 2));
  EXPECT_NE(kBase, *map(kBase, 2));
  EXPECT_EQ(at(2), *map(at(1) + 5, 1));  // rounded up
  EXPECT_LT(*map(platform_.layout().reserved_start, 1), platform_.layout().vvar);
}

TEST_F(MemoryManagerTest, MmapErrors) {
  EXPECT_ERROR(EINVAL, map(0, 0));
  EXPECT_ERROR(ENOMEM, memory_->mmap({0, ~0ULL, 0, kAnonymous, {}, 0, {}}, {}));
  EXPECT_ERROR(ENOMEM, map(0, 1ULL << 40));
  EXPECT_ERROR(EINVAL, map(0, 1, 0, MAP_ANONYMOUS));
  EXPECT_ERROR(EINVAL, map(0, 1, 0, MAP_ANONYMOUS | MAP_SHARED_VALIDATE));
  EXPECT_ERROR(EINVAL, map(0, 1, 0, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN));
  EXPECT_ERROR(EINVAL, map(kBase + 1, 1, 0, kAnonymous | MAP_FIXED));
  EXPECT_ERROR(EPERM, map(0, 1, 0, kAnonymous | MAP_FIXED));
  EXPECT_ERROR(ENOMEM, map(platform_.layout().task_size, 1, 0, kAnonymous | MAP_FIXED));
  EXPECT_ERROR(ENOMEM, map(platform_.layout().reserved_start, 1, 0, kAnonymous | MAP_FIXED));
  EXPECT_ERROR(EPERM, map(platform_.layout().vdso, 1, 0, kAnonymous | MAP_FIXED));
  EXPECT_ERROR(ENOMEM, map(0, 1, 0, kAnonymous | MAP_HUGETLB));
  EXPECT_ERROR(EINVAL, map(0, 1, 0, kAnonymous | MAP_HUGETLB | 5 << MAP_HUGE_SHIFT));
  EXPECT_EQ(2u, memory_->vmas().size());
}

TEST_F(MemoryManagerTest, FixedNoReplace) {
  map_at(0, 4);
  EXPECT_ERROR(EEXIST, map(at(3), 2, 0, kAnonymous | MAP_FIXED_NOREPLACE));
  EXPECT_ERROR(EEXIST, map(platform_.layout().reserved_start, 1, 0, kAnonymous | MAP_FIXED_NOREPLACE));
  EXPECT_EQ(at(4), *map(at(4), 2, 0, kAnonymous | MAP_FIXED_NOREPLACE));
}

TEST_F(MemoryManagerTest, LowAddresses) {
  const auto address = map(0, 16, kReadWrite, kAnonymous | MAP_32BIT);
  ASSERT_TRUE(address.ok());
  EXPECT_LT(*address + 16 * kPageSize, 1ULL << 31);
  EXPECT_ERROR(ENOMEM, map(0, 1 << 20, kReadWrite, kAnonymous | MAP_32BIT));
}

TEST_F(MemoryManagerTest, FileAccess) {
  auto read_only = std::make_shared<FakeFile>(O_RDONLY);
  auto write_only = std::make_shared<FakeFile>(O_WRONLY);
  auto both = std::make_shared<FakeFile>(O_RDWR);
  EXPECT_ERROR(EACCES, map(0, 1, PROT_READ, MAP_PRIVATE, write_only));
  EXPECT_ERROR(EACCES, map(0, 1, PROT_WRITE, MAP_SHARED, read_only));
  EXPECT_ERROR(EOPNOTSUPP, map(0, 1, PROT_READ, MAP_SHARED_VALIDATE | 0x80000, both));
  EXPECT_ERROR(EOVERFLOW, map(0, 1, PROT_READ, MAP_PRIVATE, both, ~0ULL - kPageSize + 1));
  const auto address = map(0, 2, PROT_READ, MAP_SHARED, read_only);
  ASSERT_TRUE(address.ok());
  EXPECT_ERROR(EACCES, memory_->mprotect(*address, kPageSize, PROT_WRITE, {}));
  EXPECT_TRUE(map(0, 1, kReadWrite, MAP_PRIVATE, read_only).ok());
  both->sealed = true;
  EXPECT_ERROR(EPERM, map(0, 1, kReadWrite, MAP_SHARED, both));
  const auto sealed = map(0, 1, PROT_READ, MAP_SHARED, both);
  ASSERT_TRUE(sealed.ok());
  EXPECT_ERROR(EACCES, memory_->mprotect(*sealed, kPageSize, PROT_WRITE, {}));
  expect_consistent();
}

TEST_F(MemoryManagerTest, Limits) {
  Limits limits;
  limits.address_space = memory_->totals().virtual_bytes + 4 * kPageSize;
  EXPECT_TRUE(memory_->mmap({kBase, 4 * kPageSize, PROT_READ, kAnonymous, {}, 0, {}}, limits).ok());
  EXPECT_ERROR(ENOMEM, memory_->mmap({0, 1, PROT_READ, kAnonymous, {}, 0, {}}, limits));
  // Replacing needs no more.
  EXPECT_TRUE(memory_->mmap({kBase, 1, PROT_READ, kAnonymous | MAP_FIXED, {}, 0, {}}, limits).ok());
  Limits data;
  data.data = 2 * kPageSize;
  EXPECT_TRUE(memory_->mmap({0, 2 * kPageSize, kReadWrite, kAnonymous, {}, 0, {}}, data).ok());
  EXPECT_ERROR(ENOMEM, memory_->mmap({0, 1, kReadWrite, kAnonymous, {}, 0, {}}, data));
  EXPECT_ERROR(ENOMEM, memory_->mprotect(kBase, kPageSize, kReadWrite, data));
}

TEST_F(MemoryManagerTest, Munmap) {
  map_at(0, 8);
  EXPECT_ERROR(EINVAL, memory_->munmap(kBase + 1, kPageSize));
  EXPECT_ERROR(EINVAL, memory_->munmap(kBase, 0));
  EXPECT_ERROR(EINVAL, memory_->munmap(kBase, ~0ULL));
  EXPECT_ERROR(EPERM, memory_->munmap(platform_.layout().vdso, 1));
  EXPECT_TRUE(memory_->munmap(at(20), kPageSize).ok());
  EXPECT_TRUE(memory_->munmap(at(2), 2 * kPageSize).ok());
  EXPECT_FALSE(memory_->mapped(at(2)));
  EXPECT_TRUE(memory_->mapped(at(4)));
  expect_consistent();
}

TEST_F(MemoryManagerTest, MunmapLeavesTheStubOut) {
  const std::uint64_t start = platform_.layout().reserved_start, end = platform_.layout().reserved_end;
  ASSERT_TRUE(map(start - kPageSize, 1, 0, kAnonymous | MAP_FIXED).ok());
  ASSERT_TRUE(map(end, 1, 0, kAnonymous | MAP_FIXED).ok());
  FakeContext context;
  const auto natively = memory_->munmap(start - kPageSize, end - start + 2 * kPageSize, &context);
  ASSERT_TRUE(natively.ok());
  EXPECT_FALSE(*natively);
  EXPECT_TRUE(host().pages().empty());
  expect_consistent();
}

TEST_F(MemoryManagerTest, MprotectErrors) {
  map_at(0, 2);
  map_at(3, 1);
  EXPECT_ERROR(EINVAL, memory_->mprotect(kBase + 1, kPageSize, PROT_READ, {}));
  EXPECT_ERROR(EINVAL, memory_->mprotect(kBase, kPageSize, 0x100, {}));
  EXPECT_ERROR(EINVAL, memory_->mprotect(kBase, kPageSize, PROT_GROWSDOWN | PROT_GROWSUP, {}));
  EXPECT_ERROR(EINVAL, memory_->mprotect(kBase, kPageSize, PROT_READ | PROT_GROWSDOWN, {}));
  EXPECT_ERROR(ENOMEM, memory_->mprotect(at(50), kPageSize, PROT_READ, {}));
  EXPECT_TRUE(memory_->mprotect(kBase, 0, PROT_READ, {}).ok());
  // What lies before the hole is changed.
  EXPECT_ERROR(ENOMEM, memory_->mprotect(kBase, 4 * kPageSize, PROT_READ, {}));
  EXPECT_EQ(PROT_READ, host().pages().at(at(1) / kPageSize).protection);
  EXPECT_EQ(kReadWrite, host().pages().at(at(3) / kPageSize).protection);
  expect_consistent();
}

TEST_F(MemoryManagerTest, ProtectingTwiceCallsTheHostOnce) {
  map_at(0, 2);
  ASSERT_TRUE(memory_->mprotect(kBase, kPageSize, PROT_READ, {}).ok());
  const int calls = host().calls;
  ASSERT_TRUE(memory_->mprotect(kBase, kPageSize, PROT_READ, {}).ok());
  EXPECT_EQ(calls, host().calls);
}

TEST_F(MemoryManagerTest, Madvise) {
  map_at(0, 2);
  map_at(3, 1);
  EXPECT_ERROR(EINVAL, memory_->madvise(kBase, kPageSize, 77));
  EXPECT_ERROR(EINVAL, memory_->madvise(kBase, kPageSize, MADV_MERGEABLE));
  EXPECT_ERROR(EINVAL, memory_->madvise(kBase + 1, kPageSize, MADV_DONTNEED));
  EXPECT_ERROR(EPERM, memory_->madvise(kBase, kPageSize, 100));
  EXPECT_ERROR(ENOMEM, memory_->madvise(kBase, 4 * kPageSize, MADV_DONTNEED));
  EXPECT_TRUE(memory_->madvise(kBase, 0, MADV_DONTNEED).ok());
  ASSERT_TRUE(memory_->lock(kBase, kPageSize, false, {}).ok());
  EXPECT_ERROR(EINVAL, memory_->madvise(kBase, kPageSize, MADV_DONTNEED));
  auto file = std::make_shared<FakeFile>(O_RDWR);
  map_at(10, 1, PROT_READ, file);
  EXPECT_ERROR(EINVAL, memory_->madvise(at(10), kPageSize, MADV_FREE));
  EXPECT_ERROR(EINVAL, memory_->madvise(at(10), kPageSize, MADV_WIPEONFORK));
  EXPECT_ERROR(EACCES, memory_->madvise(at(10), kPageSize, MADV_REMOVE));
  EXPECT_ERROR(EINVAL, memory_->madvise(at(1), kPageSize, MADV_REMOVE));
}

TEST_F(MemoryManagerTest, ForkLeavesOutWhatIsMarked) {
  map_at(0, 4);
  ASSERT_TRUE(memory_->madvise(at(1), kPageSize, MADV_DONTFORK).ok());
  ASSERT_TRUE(memory_->lock(at(2), kPageSize, false, {}).ok());
  const auto child = memory_->fork();
  ASSERT_TRUE(child.ok());
  EXPECT_TRUE((*child)->mapped(at(0)));
  EXPECT_FALSE((*child)->mapped(at(1)));
  EXPECT_EQ(0u, (*child)->totals().locked_bytes);
  EXPECT_EQ(kPageSize, memory_->totals().locked_bytes);
  EXPECT_EQ(memory_->totals().virtual_bytes - kPageSize, (*child)->totals().virtual_bytes);
}

TEST_F(MemoryManagerTest, Brk) {
  memory_->set_brk_start(kBase + 8);
  EXPECT_EQ(kBase + 8, memory_->brk(0, {}));
  EXPECT_EQ(kBase + 100, memory_->brk(kBase + 100, {}));
  EXPECT_EQ(at(3) + 1, memory_->brk(at(3) + 1, {}));
  EXPECT_FALSE(memory_->mapped(at(0)));  // only whole pages behind the start
  EXPECT_TRUE(memory_->mapped(at(3)));
  EXPECT_EQ("[heap]", memory_->vmas().front().name);
  EXPECT_EQ(at(2), memory_->brk(at(2), {}));
  EXPECT_FALSE(memory_->mapped(at(2)));
  map_at(6, 1);
  EXPECT_EQ(at(2), memory_->brk(at(6), {}));  // would touch the next mapping's neighbourhood
  EXPECT_EQ(at(5), memory_->brk(at(5), {}));
  Limits limits;
  limits.data = 4 * kPageSize;
  EXPECT_EQ(at(5), memory_->brk(at(5) + 1, limits));
  EXPECT_EQ(at(5), memory_->brk(kBase, {}));  // below the start
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapErrors) {
  map_at(0, 4);
  const auto remap = [&](std::uint64_t old_pages, std::uint64_t new_pages, int flags, std::uint64_t target = 0) {
    return memory_->mremap(kBase, old_pages * kPageSize, new_pages * kPageSize, flags, target, {});
  };
  EXPECT_ERROR(EINVAL, remap(1, 1, 64));
  EXPECT_ERROR(EINVAL, remap(1, 1, MREMAP_FIXED, at(50)));
  EXPECT_ERROR(EINVAL, remap(1, 2, MREMAP_DONTUNMAP | MREMAP_MAYMOVE));
  EXPECT_ERROR(EINVAL, remap(1, 0, 0));
  EXPECT_ERROR(EINVAL, remap(0, 1, MREMAP_MAYMOVE));  // private memory cannot be duplicated
  EXPECT_ERROR(EINVAL, remap(2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, at(1)));
  EXPECT_ERROR(EINVAL, remap(2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, at(50) + 1));
  EXPECT_ERROR(EFAULT, remap(5, 6, MREMAP_MAYMOVE));
  EXPECT_ERROR(EFAULT, memory_->mremap(at(30), kPageSize, 2 * kPageSize, 0, 0, {}));
  EXPECT_ERROR(EPERM, memory_->mremap(platform_.layout().vdso, kPageSize, kPageSize, 0, 0, {}));
  EXPECT_ERROR(ENOMEM, remap(1, 2, MREMAP_MAYMOVE | MREMAP_FIXED, platform_.layout().reserved_start));
  map_at(4, 1, PROT_READ);
  EXPECT_ERROR(ENOMEM, remap(4, 5, 0));
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapInPlace) {
  map_at(0, 4);
  EXPECT_EQ(kBase, *memory_->mremap(kBase, 4 * kPageSize, 2 * kPageSize, 0, 0, {}));
  EXPECT_FALSE(memory_->mapped(at(2)));
  EXPECT_EQ(kBase, *memory_->mremap(kBase, 2 * kPageSize, 8 * kPageSize, 0, 0, {}));
  EXPECT_TRUE(memory_->mapped(at(7)));
  EXPECT_EQ(3u, memory_->vmas().size());
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapMoves) {
  map_at(0, 4);
  map_at(4, 1, PROT_READ);
  const auto moved = memory_->mremap(kBase, 4 * kPageSize, 6 * kPageSize, MREMAP_MAYMOVE, 0, {});
  ASSERT_TRUE(moved.ok());
  EXPECT_FALSE(memory_->mapped(kBase));
  EXPECT_TRUE(memory_->mapped(*moved + 5 * kPageSize));
  EXPECT_EQ(at(100),
            *memory_->mremap(*moved, 6 * kPageSize, 2 * kPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, at(100), {}));
  EXPECT_FALSE(memory_->mapped(*moved));
  EXPECT_FALSE(memory_->mapped(at(102)));
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapOfPiecesOnTheHost) {
  map_at(0, 8);
  host().cuts = {at(3) / kPageSize, at(5) / kPageSize};
  EXPECT_EQ(at(100), *memory_->mremap(kBase, 8 * kPageSize, 9 * kPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, at(100), {}));
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapOfFiles) {
  auto file = std::make_shared<FakeFile>(O_RDWR, 3);
  map_at(0, 8, PROT_READ, file);
  EXPECT_EQ(kBase, *memory_->mremap(kBase, 8 * kPageSize, 12 * kPageSize, 0, 0, {}));
  expect_consistent();
  EXPECT_EQ(at(100),
            *memory_->mremap(at(2), 4 * kPageSize, 20 * kPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, at(100), {}));
  expect_consistent();
  ASSERT_TRUE(map(at(200), 2, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0).ok());
  EXPECT_EQ(at(300), *memory_->mremap(at(201), 0, 5 * kPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, at(300), {}));
  EXPECT_TRUE(memory_->mapped(at(201)));
  expect_consistent();
}

TEST_F(MemoryManagerTest, MremapDontUnmapLeavesTheOldRange) {
  map_at(0, 2);
  EXPECT_EQ(at(50), *memory_->mremap(kBase, 2 * kPageSize, 2 * kPageSize,
                                     MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, at(50), {}));
  EXPECT_TRUE(memory_->mapped(kBase));
  expect_consistent();
}

TEST_F(MemoryManagerTest, Locks) {
  Limits limits;
  limits.locked = 2 * kPageSize;
  map_at(0, 4);
  EXPECT_ERROR(ENOMEM, memory_->lock(kBase, 3 * kPageSize, false, limits));
  EXPECT_TRUE(memory_->lock(kBase + 100, kPageSize, false, limits).ok());  // touches two pages
  EXPECT_EQ(2 * kPageSize, memory_->totals().locked_bytes);
  EXPECT_TRUE(memory_->lock(kBase, 2 * kPageSize, false, limits).ok());  // already counted
  EXPECT_ERROR(EAGAIN, memory_->mmap({0, 1, PROT_READ, kAnonymous | MAP_LOCKED, {}, 0, {}}, limits));
  EXPECT_TRUE(memory_->unlock(kBase, kPageSize).ok());
  EXPECT_ERROR(ENOMEM, memory_->unlock(at(3), 2 * kPageSize));
  EXPECT_ERROR(EINVAL, memory_->lock_all(0, limits));
  EXPECT_ERROR(EINVAL, memory_->lock_all(MCL_ONFAULT, limits));
  EXPECT_ERROR(ENOMEM, memory_->lock_all(MCL_CURRENT, limits));
  EXPECT_TRUE(memory_->lock_all(MCL_FUTURE, limits).ok());
  EXPECT_ERROR(EAGAIN, memory_->mmap({0, 2 * kPageSize, PROT_READ, kAnonymous, {}, 0, {}}, limits));
  limits.locked = 0;
  EXPECT_ERROR(EPERM, memory_->lock(kBase, kPageSize, false, limits));
  EXPECT_ERROR(EPERM, memory_->mmap({0, 1, PROT_READ, kAnonymous | MAP_LOCKED, {}, 0, {}}, limits));
  EXPECT_TRUE(memory_->unlock_all().ok());
  EXPECT_EQ(0u, memory_->totals().locked_bytes);
}

TEST_F(MemoryManagerTest, StacksGrow) {
  const std::uint64_t top = at(1000);
  ASSERT_TRUE(map(top - kPageSize, 1, kReadWrite, kAnonymous | MAP_FIXED | MAP_GROWSDOWN).ok());
  Limits limits;
  limits.stack = 10 * kPageSize;
  EXPECT_TRUE(memory_->grow_stack(top - 5 * kPageSize + 7, limits));
  EXPECT_TRUE(memory_->mapped(top - 5 * kPageSize));
  EXPECT_FALSE(memory_->grow_stack(top - 11 * kPageSize, limits));
  EXPECT_FALSE(memory_->grow_stack(top, limits));
  EXPECT_FALSE(memory_->grow_stack(top - 2 * kPageSize, limits));  // mapped already: the fault has another reason
  ASSERT_TRUE(map(top - 100 * kPageSize, 1, kReadWrite, kAnonymous | MAP_FIXED).ok());
  EXPECT_FALSE(memory_->grow_stack(top - 6 * kPageSize, limits));  // the guard gap
  expect_consistent();
}

TEST_F(MemoryManagerTest, FailedMapLeavesAHole) {
  map_at(0, 8);
  auto file = std::make_shared<FakeFile>(O_RDWR, 1);
  host().fail_after = host().calls + 2;
  EXPECT_ERROR(ENOMEM, map(at(2), 4, PROT_READ, MAP_PRIVATE | MAP_FIXED, file));
  EXPECT_FALSE(memory_->mapped(at(3)));
}

TEST_F(MemoryManagerTest, AddressesOfNativeCallsAreNotGivenAway) {
  const std::uint64_t address = *map(0, 1);
  FakeContext context;
  EXPECT_TRUE(*memory_->munmap(address, kPageSize, &context));
  EXPECT_NE(address, *map(0, 1));
  EXPECT_NE(address, *map(address, 1));
  memory_->native_call_done(context);
  EXPECT_EQ(address, *map(address, 1));
  EXPECT_EQ(0, context.kicks);
}

TEST_F(MemoryManagerTest, GrownFilesAreMappedOnFault) {
  auto file = std::make_shared<FakeFile>(O_RDWR);
  file->size = 2 * kPageSize;
  ASSERT_TRUE(map(at(0), 8, PROT_READ, MAP_SHARED | MAP_FIXED, file).ok());
  ASSERT_TRUE(map(at(10), 8, PROT_READ, MAP_PRIVATE | MAP_FIXED, file).ok());
  EXPECT_FALSE(memory_->map_grown_file(at(4)));
  file->size = 6 * kPageSize;
  EXPECT_TRUE(memory_->map_grown_file(at(4) + 5));
  EXPECT_FALSE(memory_->map_grown_file(at(7)));
  EXPECT_EQ(100, host().pages().at(at(5) / kPageSize).fd);
  EXPECT_NE(100, host().pages().at(at(6) / kPageSize).fd);
  EXPECT_TRUE(memory_->map_grown_file(at(14)));
  EXPECT_EQ(100, host().pages().at(at(14) / kPageSize).fd);
  EXPECT_NE(100, host().pages().at(at(15) / kPageSize).fd);  // one page of a private mapping
  auto whole = std::make_shared<FakeFile>(O_RDWR);
  map_at(20, 1, PROT_READ, whole);
  EXPECT_FALSE(memory_->map_grown_file(at(20)));
  EXPECT_FALSE(memory_->map_grown_file(at(30)));
}

TEST_F(MemoryManagerTest, FilesStayUntilTheHostHasUnmappedThem) {
  auto file = std::make_shared<FakeFile>(O_RDWR);
  map_at(0, 1, PROT_READ, file);
  FakeContext context;
  EXPECT_TRUE(*memory_->munmap(at(0), kPageSize, &context));
  EXPECT_EQ(2, file.use_count());
  memory_->native_call_done(context);
  EXPECT_EQ(1, file.use_count());
}

TEST_F(MemoryManagerTest, OverlappingCallsWaitForNativeOnes) {
  map_at(0, 4);
  FakeContext context;
  ASSERT_TRUE(*memory_->mprotect(kBase, 2 * kPageSize, PROT_READ, {}, &context));
  std::thread reporter;
  // The thread reports when it is kicked, from its own task thread.
  context.on_kick = [&] {
    if (!reporter.joinable()) reporter = std::thread([&] { memory_->native_call_done(context); });
  };
  EXPECT_FALSE(*memory_->munmap(at(2), kPageSize));  // beside it
  EXPECT_EQ(0, context.kicks);
  EXPECT_FALSE(*memory_->munmap(at(1), kPageSize));
  EXPECT_NE(0, context.kicks);
  reporter.join();
}

TEST_F(MemoryManagerTest, ForkWaitsForNativeCalls) {
  map_at(0, 4);
  FakeContext context;
  ASSERT_TRUE(*memory_->madvise(kBase, 2 * kPageSize, MADV_DONTNEED, &context));
  std::thread reporter;
  context.on_kick = [&] {
    if (!reporter.joinable()) reporter = std::thread([&] { memory_->native_call_done(context); });
  };
  EXPECT_TRUE(memory_->fork().ok());
  EXPECT_NE(0, context.kicks);
  reporter.join();
}

// Random calls; after each the list and the host agree.
TEST_F(MemoryManagerTest, ListAndHostAgreeAfterAnyCalls) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    memory_ = *MemoryManager::create(platform_, 8 << 20);
    auto file = std::make_shared<FakeFile>(O_RDWR, seed % 3);
    memory_->set_brk_start(at(70));
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t page = random() % 64, count = 1 + random() % 16;
      const int protection = static_cast<int>(random() % 8);
      const std::uint64_t target = random() % 96;
      switch (random() % 9) {
        case 0:
          (void)map(at(page), count, protection, kAnonymous | MAP_FIXED);
          break;
        case 1:
          (void)map(at(page), count, protection, (random() % 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, file,
                    random() % 8 * kPageSize);
          break;
        case 2:
          (void)memory_->munmap(at(page), count * kPageSize);
          break;
        case 3:
        case 4:
          (void)memory_->mprotect(at(page), count * kPageSize, protection, {});
          break;
        case 5:
          (void)memory_->mremap(at(page), random() % 16 * kPageSize, count * kPageSize, random() % 2, 0, {});
          break;
        case 6:
          (void)memory_->mremap(at(page), random() % 16 * kPageSize, count * kPageSize,
                                MREMAP_MAYMOVE | MREMAP_FIXED | (random() % 4 == 0 ? MREMAP_DONTUNMAP : 0), at(target),
                                {});
          break;
        case 7:
          (void)memory_->brk(at(70) + random() % (20 * kPageSize), {});
          break;
        default:
          (void)memory_->madvise(at(page), count * kPageSize, random() % 2 ? MADV_DONTFORK : MADV_DOFORK);
      }
      ASSERT_NO_FATAL_FAILURE(expect_consistent()) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace runsc
