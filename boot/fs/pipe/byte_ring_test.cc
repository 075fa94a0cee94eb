#include "boot/fs/pipe/byte_ring.h"

#include <gtest/gtest.h>

#include <string>

namespace runsc {
namespace {

std::size_t put(ByteRing& ring, std::string_view text, std::size_t limit = ~0UL) {
  BufferSource source(std::as_bytes(std::span(text)));
  return ring.fill(source, limit).value();
}

std::string get(ByteRing& ring, std::size_t count) {
  std::string text(count, '\0');
  BufferSink sink(std::as_writable_bytes(std::span(text)));
  text.resize(ring.drain(sink, count).value());
  return text;
}

TEST(ByteRing, KeepsOrderAcrossTheWrap) {
  ByteRing ring(8);
  EXPECT_EQ(put(ring, "abcdef"), 6u);
  EXPECT_EQ(get(ring, 4), "abcd");
  EXPECT_EQ(put(ring, "ghijklmn"), 6u);
  EXPECT_EQ(ring.space(), 0u);
  EXPECT_EQ(get(ring, 100), "efghijkl");
  EXPECT_TRUE(ring.empty());
}

TEST(ByteRing, ResizeKeepsTheBytes) {
  ByteRing ring(8);
  put(ring, "abcdef");
  get(ring, 4);
  put(ring, "ghij");
  ring.resize(16);
  EXPECT_EQ(put(ring, "0123456789abcdef"), 10u);
  EXPECT_EQ(get(ring, 100), "efghij0123456789");
}

TEST(ByteRing, PushFrontMayOverfill) {
  ByteRing ring(4);
  put(ring, "cdef");
  ring.push_front(std::as_bytes(std::span("ab", 2)));
  EXPECT_EQ(ring.size(), 6u);
  EXPECT_EQ(ring.space(), 0u);
  EXPECT_EQ(put(ring, "x"), 0u);
  EXPECT_EQ(get(ring, 3), "abc");
  EXPECT_EQ(put(ring, "xy"), 1u);
  EXPECT_EQ(get(ring, 9), "defx");
}

}  // namespace
}  // namespace runsc
