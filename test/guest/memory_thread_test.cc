// Threads of one process that change its address space at the same time, and forks meanwhile.
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "test/guest/support/child.h"

namespace guest {
namespace {

constexpr size_t kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

bool AllBytesAre(const char* p, size_t size, char value) {
  for (size_t i = 0; i < size; i += 64)
    if (p[i] != value) return false;
  return p[size - 1] == value;
}

// One life of a mapping that belongs to one thread: whatever the others do, its contents are its own.
void UseMapping(std::mt19937& random, char mark) {
  const size_t size = (1 + random() % 16) * kPage;
  auto* p = static_cast<char*>(mmap(nullptr, size, kReadWrite, kAnonymous, -1, 0));
  ASSERT_OK(p);
  ASSERT_TRUE(AllBytesAre(p, size, 0));
  memset(p, mark, size);
  switch (random() % 4) {
    case 0:
      ASSERT_OK(madvise(p, size, MADV_DONTNEED));
      ASSERT_TRUE(AllBytesAre(p, size, 0));
      memset(p, mark, size);
      break;
    case 1:
      ASSERT_OK(mprotect(p, size, PROT_READ));
      ASSERT_OK(mprotect(p, size, kReadWrite));
      break;
    case 2:
      ASSERT_EQ(p, mmap(p, size, kReadWrite, kAnonymous | MAP_FIXED, -1, 0));
      ASSERT_TRUE(AllBytesAre(p, size, 0));
      memset(p, mark, size);
      break;
    default:
      p = static_cast<char*>(mremap(p, size, size + kPage, MREMAP_MAYMOVE));
      ASSERT_OK(p);
      ASSERT_TRUE(AllBytesAre(p + size, kPage, 0));
      ASSERT_OK(munmap(p + size, kPage));
  }
  ASSERT_TRUE(AllBytesAre(p, size, mark));
  ASSERT_OK(munmap(p, size));
}

TEST(MemoryThreads, KeepTheirMappingsApart) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 200 && !testing::Test::HasFailure(); ++i) UseMapping(random, static_cast<char>(t + 1));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(MemoryThreads, ForkSeesWholeMappings) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([t, &stop] {
      std::mt19937 random(static_cast<unsigned>(t));
      while (!stop && !testing::Test::HasFailure()) UseMapping(random, static_cast<char>(t + 1));
    });
  }
  auto* p = static_cast<char*>(mmap(nullptr, 16 * kPage, kReadWrite, kAnonymous, -1, 0));
  memset(p, 77, 16 * kPage);
  for (int i = 0; i < 20; ++i) InChild([&] { EXPECT_TRUE(AllBytesAre(p, 16 * kPage, 77)); });
  stop = true;
  for (std::thread& thread : threads) thread.join();
  munmap(p, 16 * kPage);
}

// What one thread frees and then computes for long, another one may have: the first makes no further call.
TEST(MemoryThreads, FreedAddressesCanBeTakenByAnother) {
  auto* p = static_cast<char*>(mmap(nullptr, 4 * kPage, kReadWrite, kAnonymous, -1, 0));
  memset(p, 1, 4 * kPage);
  std::atomic<int> step = 0;
  std::thread computing([&] {
    munmap(p, 2 * kPage);
    mprotect(p + 2 * kPage, kPage, PROT_READ);
    step = 1;
    while (step != 2) {
    }
  });
  while (step != 1) std::this_thread::yield();
  EXPECT_EQ(p, mmap(p, 3 * kPage, kReadWrite, kAnonymous | MAP_FIXED, -1, 0));
  memset(p, 2, 4 * kPage);
  EXPECT_TRUE(AllBytesAre(p, 4 * kPage, 2));
  InChild([&] { EXPECT_TRUE(AllBytesAre(p, 4 * kPage, 2)); });
  step = 2;
  computing.join();
  EXPECT_TRUE(AllBytesAre(p, 4 * kPage, 2));
  munmap(p, 4 * kPage);
}

}  // namespace
}  // namespace guest
