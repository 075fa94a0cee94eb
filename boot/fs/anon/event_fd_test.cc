#include "boot/fs/anon/event_fd.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

namespace runsc {
namespace {

Result<std::uint64_t> read(EventFd& file) {
  std::uint64_t value = 0;
  BufferSink sink(std::as_writable_bytes(std::span(&value, 1)));
  TRY(file.read(sink, std::nullopt, 0));
  return value;
}

Result<std::size_t> write(EventFd& file, std::uint64_t value) {
  BufferSource source(std::as_bytes(std::span(&value, 1)));
  return file.write(source, std::nullopt, 0);
}

TEST(EventFd, CountsAndResets) {
  EventFd file(3, 0);
  EXPECT_EQ(read(file).value(), 3u);
  EXPECT_EQ(read(file).error(), Errno(EAGAIN));
  EXPECT_EQ(file.readiness(POLLIN) & (POLLIN | POLLOUT), static_cast<EventMask>(POLLOUT));
  write(file, 5).value();
  write(file, 6).value();
  EXPECT_EQ(read(file).value(), 11u);
}

TEST(EventFd, SemaphoreTakesOne) {
  EventFd file(2, EFD_SEMAPHORE);
  EXPECT_EQ(read(file).value(), 1u);
  EXPECT_EQ(read(file).value(), 1u);
  EXPECT_EQ(read(file).error(), Errno(EAGAIN));
}

TEST(EventFd, Limits) {
  EventFd file(0, 0);
  EXPECT_EQ(write(file, ~0ULL).error(), Errno(EINVAL));
  EXPECT_EQ(write(file, ~0ULL - 1).value(), 8u);
  EXPECT_EQ(file.readiness(POLLOUT) & POLLOUT, 0u);
  EXPECT_EQ(write(file, 1).error(), Errno(EAGAIN));
  std::byte small[4];
  BufferSink sink(small);
  EXPECT_EQ(file.read(sink, std::nullopt, 0).error(), Errno(EINVAL));
}

}  // namespace
}  // namespace runsc
