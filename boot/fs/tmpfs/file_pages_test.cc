#include "boot/fs/tmpfs/file_pages.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace runsc {
namespace {

class FilePagesTest : public ::testing::Test {
 protected:
  std::size_t write(std::uint64_t offset, std::string_view text) {
    BufferSource source(std::as_bytes(std::span(text)));
    return pages_.write(source, offset).value();
  }
  std::string read(std::uint64_t offset, std::size_t length) {
    std::string text(length, '?');
    BufferSink sink(std::as_writable_bytes(std::span(text)));
    text.resize(pages_.read(sink, offset).value());
    return text;
  }

  std::shared_ptr<MemoryFile> memory_ = MemoryFile::create().value();
  Quota quota_{100};
  FilePages pages_{*memory_, quota_};
};

TEST_F(FilePagesTest, ReadsWhatWasWritten) {
  EXPECT_EQ(write(0, "hello"), 5u);
  EXPECT_EQ(write(5, " world"), 6u);
  EXPECT_EQ(read(0, 100), "hello world");
  EXPECT_EQ(read(6, 3), "wor");
  EXPECT_EQ(read(11, 3), "");
}

TEST_F(FilePagesTest, HolesAreZerosAndTakeNoPages) {
  write(10 * kPageSize, "x");
  EXPECT_EQ(quota_.used(), 1u);
  EXPECT_EQ(pages_.size(), 10 * kPageSize + 1);
  EXPECT_EQ(read(5 * kPageSize - 2, 4), std::string(4, '\0'));
  EXPECT_EQ(pages_.seek_data(0).value(), 10 * kPageSize);
  EXPECT_EQ(pages_.seek_hole(0).value(), 0u);
  EXPECT_EQ(pages_.seek_hole(10 * kPageSize).value(), 10 * kPageSize + 1);
  EXPECT_EQ(pages_.seek_data(10 * kPageSize + 1).error(), Errno(ENXIO));
}

TEST_F(FilePagesTest, BytesBehindATruncatedEndComeBackAsZeros) {
  write(0, std::string(3 * kPageSize, 'a'));
  pages_.resize(kPageSize + 10);
  EXPECT_EQ(quota_.used(), 2u);
  pages_.resize(3 * kPageSize);
  EXPECT_EQ(read(kPageSize, 12), std::string(10, 'a') + std::string(2, '\0'));
  EXPECT_EQ(read(2 * kPageSize, 1), std::string(1, '\0'));
}

TEST_F(FilePagesTest, PunchesHoles) {
  write(0, std::string(5 * kPageSize, 'a'));
  pages_.punch(kPageSize / 2, 2 * kPageSize);
  EXPECT_EQ(quota_.used(), 4u);
  EXPECT_EQ(read(kPageSize / 2 - 1, 2), std::string("a\0", 2));
  EXPECT_EQ(read(kPageSize, 1), std::string(1, '\0'));
  EXPECT_EQ(read(2 * kPageSize + kPageSize / 2 - 1, 2), std::string("\0a", 2));
  EXPECT_EQ(pages_.seek_hole(0).value(), kPageSize);
  EXPECT_EQ(pages_.seek_data(kPageSize).value(), 2 * kPageSize);
}

TEST_F(FilePagesTest, WritesWhatFitsAndThenFails) {
  EXPECT_EQ(write(0, std::string(200 * kPageSize, 'a')), 100 * kPageSize);
  BufferSource source(std::as_bytes(std::span("b", 1)));
  EXPECT_EQ(pages_.write(source, 100 * kPageSize).error(), Errno(ENOSPC));
  pages_.resize(0);
  EXPECT_EQ(quota_.used(), 0u);
  EXPECT_EQ(memory_->allocated(), 0u);
}

TEST_F(FilePagesTest, MappedPagesAreNeverGivenAway) {
  write(0, std::string(2 * kPageSize, 'a'));
  const FileMapping mapping = pages_.map(0, 4 * kPageSize).value();
  ASSERT_EQ(mapping.segments.size(), 2u);
  EXPECT_EQ(mapping.segments[0].length, 2 * kPageSize);
  EXPECT_EQ(mapping.segments[1].fd, -1);
  pages_.resize(0);
  EXPECT_EQ(memory_->allocated(), 2 * kPageSize);
  EXPECT_EQ(*memory_->at(mapping.segments[0].offset), std::byte{0});
  write(0, "b");
  EXPECT_EQ(*memory_->at(mapping.segments[0].offset), std::byte{'b'});
}

TEST_F(FilePagesTest, AFailedCopyLeavesNoPages) {
  struct BadSource : IoSource {
    std::size_t remaining() const override { return 3 * kPageSize; }
    Result<std::size_t> take(std::span<std::byte>) override { return Errno(EFAULT); }
  } source;
  EXPECT_EQ(pages_.write(source, 0).error(), Errno(EFAULT));
  EXPECT_EQ(pages_.size(), 0u);
  EXPECT_EQ(quota_.used(), 0u);
}

// Random operations against a plain vector.
TEST_F(FilePagesTest, BehavesAsOneArrayOfBytes) {
  std::mt19937 random(1);
  quota_.set_limit(0);
  std::string model;
  FilePages other(*memory_, quota_);  // competes for pages
  for (int step = 0; step < 3000; ++step) {
    const std::uint64_t offset = random() % (20 * kPageSize);
    const std::uint64_t length = random() % (3 * kPageSize) + 1;
    switch (random() % 5) {
      case 0:
      case 1: {
        const std::string text(length, static_cast<char>('a' + step % 26));
        write(offset, text);
        if (model.size() < offset + length) model.resize(offset + length);
        model.replace(offset, length, text);
        break;
      }
      case 2:
        pages_.resize(offset);
        model.resize(offset);
        break;
      case 3:
        pages_.punch(offset, length);
        for (std::uint64_t i = offset; i < offset + length && i < model.size(); ++i) model[i] = 0;
        break;
      default: {
        BufferSource source(std::as_bytes(std::span("z", 1)));
        ASSERT_TRUE(other.write(source, offset).ok());
        ASSERT_EQ(read(offset, length), offset < model.size() ? model.substr(offset, length) : "");
      }
    }
    ASSERT_EQ(pages_.size(), model.size());
    ASSERT_EQ(memory_->allocated(), (pages_.page_count() + other.page_count()) * kPageSize);
  }
  EXPECT_EQ(read(0, model.size() + 1), model);
}

}  // namespace
}  // namespace runsc
