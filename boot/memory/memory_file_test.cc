#include "boot/memory/memory_file.h"

#include <gtest/gtest.h>

#include <cstring>

namespace runsc {
namespace {

TEST(MemoryFile, GrowsAnObjectInPlace) {
  auto file = MemoryFile::create().value();
  const auto first = file->allocate(kPageSize, 0).value();
  const auto second = file->allocate(4 * kPageSize, first.offset + first.length).value();
  EXPECT_EQ(second.offset, first.offset + first.length);
  EXPECT_EQ(second.length, 4 * kPageSize);
  EXPECT_EQ(file->allocated(), 5 * kPageSize);
}

TEST(MemoryFile, FreedPagesReadAsZeros) {
  auto file = MemoryFile::create().value();
  const auto extent = file->allocate(2 * kPageSize, 0).value();
  std::memset(file->at(extent.offset), 1, extent.length);
  file->free(extent);
  EXPECT_EQ(file->allocated(), 0u);
  const auto again = file->allocate(2 * kPageSize, extent.offset).value();
  ASSERT_EQ(again.offset, extent.offset);
  EXPECT_EQ(*file->at(again.offset), std::byte{0});
  EXPECT_EQ(*file->at(again.offset + again.length - 1), std::byte{0});
}

TEST(MemoryFile, JoinsFreeRanges) {
  auto file = MemoryFile::create().value();
  MemoryFile::Extent pages[4];
  for (auto& page : pages) page = file->allocate(kPageSize, page.offset).value();
  file->free(pages[1]);
  file->free(pages[3]);
  file->free(pages[2]);
  file->free(pages[0]);
  EXPECT_EQ(file->allocate(MemoryFile::kChunkSize, 0)->length, MemoryFile::kChunkSize);
}

TEST(MemoryFile, ExtentsStayWithinAChunk) {
  auto file = MemoryFile::create().value();
  ASSERT_TRUE(file->allocate(kPageSize, 0).ok());
  std::uint64_t left = 2 * MemoryFile::kChunkSize;
  while (left != 0) {
    const auto extent = file->allocate(left, 0).value();
    EXPECT_EQ(extent.offset / MemoryFile::kChunkSize, (extent.offset + extent.length - 1) / MemoryFile::kChunkSize);
    left -= extent.length;
  }
}

}  // namespace
}  // namespace runsc
