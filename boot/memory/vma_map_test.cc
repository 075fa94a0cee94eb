#include "boot/memory/vma_map.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "boot/base/checked.h"
#include "boot/memory/placement.h"

namespace runsc {
namespace {

constexpr std::uint64_t kPages = 64;

Vma make(std::uint64_t first, std::uint64_t count, int protection) {
  Vma vma;
  vma.start = first * kPageSize;
  vma.end = (first + count) * kPageSize;
  vma.protection = protection;
  return vma;
}

AddressRange pages(std::uint64_t first, std::uint64_t count) {
  return {first * kPageSize, (first + count) * kPageSize};
}

TEST(VmaMap, NeighboursThatAreAlikeAreOne) {
  VmaMap map;
  map.insert(make(1, 1, PROT_READ));
  map.insert(make(3, 1, PROT_READ));
  EXPECT_EQ(2u, map.size());
  map.insert(make(2, 1, PROT_READ));
  EXPECT_EQ(1u, map.size());
  EXPECT_EQ(pages(1, 3), map.find(kPageSize)->range());
}

TEST(VmaMap, NeighboursThatDifferStayApart) {
  VmaMap map;
  map.insert(make(1, 1, PROT_READ));
  map.insert(make(2, 1, PROT_READ | PROT_WRITE));
  EXPECT_EQ(2u, map.size());
  map.change(pages(2, 1), [](Vma& vma) { vma.protection = PROT_READ; });
  EXPECT_EQ(1u, map.size());
}

TEST(VmaMap, RemoveFromTheMiddleLeavesTwo) {
  VmaMap map;
  map.insert(make(1, 5, PROT_READ));
  const auto removed = map.remove(pages(3, 1));
  ASSERT_EQ(1u, removed.size());
  EXPECT_EQ(pages(3, 1), removed[0].range());
  EXPECT_EQ(2u, map.size());
  EXPECT_FALSE(map.covers(pages(1, 5)));
  EXPECT_EQ(4 * kPageSize, map.mapped_bytes(pages(0, 64)));
}

// Many random operations on the map and on an array with one entry per page.
class PageModel {
 public:
  void apply(std::mt19937& random, VmaMap& map) {
    const std::uint64_t first = random() % kPages, count = 1 + random() % (kPages - first);
    const AddressRange range = pages(first, count);
    const int protection = static_cast<int>(random() % 8);
    switch (random() % 4) {
      case 0:
        map.remove(range);
        map.insert(make(first, count, protection));
        for (std::uint64_t i = 0; i < count; ++i) pages_[first + i] = Page{protection, false};
        break;
      case 1:
        map.remove(range);
        for (std::uint64_t i = 0; i < count; ++i) pages_[first + i].reset();
        break;
      case 2:
        map.change(range, [&](Vma& vma) { vma.protection = protection; });
        for (std::uint64_t i = 0; i < count; ++i)
          if (pages_[first + i]) pages_[first + i]->protection = protection;
        break;
      default:
        map.change(range, [&](Vma& vma) { vma.locked = protection % 2 != 0; });
        for (std::uint64_t i = 0; i < count; ++i)
          if (pages_[first + i]) pages_[first + i]->locked = protection % 2 != 0;
    }
  }

  void expect_same(const VmaMap& map) const {
    std::uint64_t mapped = 0, data = 0, locked = 0, borders = 0;
    for (std::uint64_t i = 0; i < kPages; ++i) {
      const Vma* vma = map.find(i * kPageSize);
      ASSERT_EQ(pages_[i].has_value(), vma != nullptr) << "page " << i;
      if (vma == nullptr) continue;
      ASSERT_EQ(pages_[i]->protection, vma->protection) << "page " << i;
      ASSERT_EQ(pages_[i]->locked, vma->locked) << "page " << i;
      ++mapped;
      data += (vma->protection & PROT_WRITE) != 0;
      locked += vma->locked;
      borders += i == 0 || pages_[i - 1] != pages_[i];
    }
    EXPECT_EQ(mapped * kPageSize, map.virtual_bytes());
    EXPECT_EQ(data * kPageSize, map.data_bytes());
    EXPECT_EQ(locked * kPageSize, map.locked_bytes());
    EXPECT_EQ(borders, map.size());  // everything that can be merged is
  }

  std::optional<std::uint64_t> highest_gap(std::uint64_t count) const {
    for (std::uint64_t first = kPages - count + 1; first-- > 0;)
      if (free(first, count)) return first * kPageSize;
    return std::nullopt;
  }
  std::optional<std::uint64_t> lowest_gap(std::uint64_t count) const {
    for (std::uint64_t first = 0; first + count <= kPages; ++first)
      if (free(first, count)) return first * kPageSize;
    return std::nullopt;
  }
  bool free(std::uint64_t first, std::uint64_t count) const {
    for (std::uint64_t i = first; i < first + count; ++i)
      if (pages_[i] || (i >= 20 && i < 23)) return false;
    return true;
  }

 private:
  struct Page {
    int protection;
    bool locked;
    friend bool operator==(const Page&, const Page&) = default;
  };
  std::optional<Page> pages_[kPages];
};

TEST(VmaMap, BehavesLikeAnArrayOfPages) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    VmaMap map;
    PageModel model;
    for (int i = 0; i < 200; ++i) {
      model.apply(random, map);
      ASSERT_NO_FATAL_FAILURE(model.expect_same(map)) << "seed " << seed << " step " << i;
    }
  }
}

TEST(Placement, FindsWhatAnArrayOfPagesFinds) {
  const AddressRange blocked[] = {pages(20, 3)};
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    VmaMap map;
    PageModel model;
    for (int i = 0; i < 100; ++i) {
      model.apply(random, map);
      const std::uint64_t count = 1 + random() % 10;
      const GapSearch search{count * kPageSize, pages(0, kPages), kPageSize, blocked};
      ASSERT_EQ(model.highest_gap(count), find_gap_top_down(map, search)) << "seed " << seed << " step " << i;
      ASSERT_EQ(model.highest_gap(count), find_gap_by_index(map, search)) << "seed " << seed << " step " << i;
      ASSERT_EQ(model.lowest_gap(count), find_gap_bottom_up(map, search)) << "seed " << seed << " step " << i;
      const std::uint64_t first = random() % (kPages - count);
      ASSERT_EQ(model.free(first, count), is_free(map, pages(first, count), blocked));
    }
  }
}

// Mappings with and without room between them, up to where a search asks the index, which then has to keep up.
TEST(Placement, FindsTheSameAmongMany) {
  std::mt19937 random(1);
  VmaMap map;
  const AddressRange all = pages(0, 1 << 20);
  const auto slow = [&](std::uint64_t length) {
    std::optional<std::uint64_t> best;
    std::uint64_t bottom = all.start;
    for (const auto& [start, vma] : map.all()) {
      if (start - bottom >= length) best = start - length;
      bottom = vma.end;
    }
    return all.end - bottom >= length ? all.end - length : best;
  };
  for (int i = 0; i < 4000; ++i) {
    const std::uint64_t length = (1 + random() % 40) * kPageSize;
    const auto address = find_gap_top_down(map, {length, all, kPageSize, {}});
    ASSERT_EQ(slow(length), address) << "step " << i;
    ASSERT_TRUE(address);
    map.insert(make(*address / kPageSize, length / kPageSize, static_cast<int>(random() % 8)));
    if (random() % 2 == 0) map.remove({*address, *address + (1 + random() % 40) * kPageSize});
    if (random() % 8 == 0) {
      const auto victim = map.at_or_above(random() % all.end);
      if (victim != map.all().end()) map.remove(victim->second.range());
    }
  }
  EXPECT_GT(map.size(), 1000u);
}

TEST(Placement, KeepsAGapBelowStacks) {
  VmaMap map;
  Vma stack = make(1000, 10, PROT_READ | PROT_WRITE);
  stack.grows_down = true;
  map.insert(stack);
  const auto address = find_gap_top_down(map, {kPageSize, pages(0, 1010), kPageSize, {}});
  ASSERT_TRUE(address);
  EXPECT_EQ((1000 - 256 - 1) * kPageSize, *address);
  EXPECT_EQ(address, find_gap_by_index(map, {kPageSize, pages(0, 1010), kPageSize, {}}));
  EXPECT_FALSE(is_free(map, pages(900, 1), {}));
  EXPECT_TRUE(is_free(map, pages(743, 1), {}));
}

TEST(Placement, HonoursAlignment) {
  VmaMap map;
  map.insert(make(60, 4, PROT_READ));
  const auto address = find_gap_top_down(map, {3 * kPageSize, pages(0, 64), 16 * kPageSize, {}});
  ASSERT_TRUE(address);
  EXPECT_EQ(48 * kPageSize, *address);
}

}  // namespace
}  // namespace runsc
