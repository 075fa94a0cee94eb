// The file system over a real gofer process: what is cached stays true.
#include <sys/stat.h>

#include "boot/fs/gofer/attach.h"
#include "boot/vfs/vfs_fixture_test.h"
#include "gofer/testing/gofer_process.h"

namespace runsc {
namespace {

// More files than descriptors are kept open.
constexpr int kMany = 700;

class GoferTest : public VfsTest {
 protected:
  void SetUp() override {
    auto attached = attach_gofer(gofer_.take_socket(), GoferCaching::kExclusive);
    ASSERT_TRUE(attached.ok());
    start_with(std::move(*attached));
  }
  FilePtr open_file(std::string_view path, int flags) {
    auto file = open_path(context_, from_, path, {flags}, 0644);
    EXPECT_TRUE(file.ok()) << path << " " << error_of(file);
    return file.ok() ? *file : nullptr;
  }
  static void put(FileDescription& file, std::string_view text) {
    BufferSource source(std::as_bytes(std::span(text)));
    ASSERT_EQ(file.write(source, std::nullopt, 0).value_or(0), text.size());
  }
  std::uint64_t size(std::string_view path) { return at(path).dentry->inode_pointer()->attributes().value().size; }
  // Other files take the places of the descriptors that are kept.
  void use_many_others() {
    for (int i = 0; i < kMany; i++) open_file("other" + std::to_string(i), O_CREAT | O_WRONLY);
  }

  gofer::TempDir directory_;
  gofer::GoferProcess gofer_{std::vector<gofer::TestMount>{{directory_.path(), {}}}};
};

TEST_F(GoferTest, SizeIsTrueAfterTheWritersDescriptorIsNotKeptAnyMore) {
  put(*open_file("file", O_CREAT | O_WRONLY), "content");
  use_many_others();
  EXPECT_EQ(size("file"), 7u);
  put(*open_file("file", O_WRONLY | O_APPEND), " and more");
  EXPECT_EQ(size("file"), 16u);
  use_many_others();
  EXPECT_EQ(size("file"), 16u);
}

TEST_F(GoferTest, SizeIsTrueWhileAWriterHasTheFileOpen) {
  const FilePtr writer = open_file("file", O_CREAT | O_WRONLY);
  EXPECT_EQ(size("file"), 0u);
  use_many_others();
  put(*writer, "content");
  EXPECT_EQ(size("file"), 7u);
}

TEST_F(GoferTest, RemovedFilesAreNotKeptOpen) {
  const std::size_t before = gofer_.descriptor_count();
  put(*open_file("file", O_CREAT | O_WRONLY), "content");
  struct stat linked {};
  const FilePtr user = open_file("file", O_RDONLY);
  const int host = user->host_fd();
  ASSERT_EQ(rm("file"), 0);
  ASSERT_EQ(fstat(host, &linked), 0);
  EXPECT_EQ(linked.st_nlink, 0u);
  EXPECT_LE(gofer_.descriptor_count(), before + 1);
  put(*open_file("second", O_CREAT | O_WRONLY), "content");
  const int kept = open_file("second", O_RDONLY)->host_fd();
  ASSERT_EQ(fstat(kept, &linked), 0);
  ASSERT_EQ(rm("second"), 0);
  EXPECT_EQ(fstat(kept, &linked), -1) << "nobody uses it, and yet it keeps its blocks";
}

TEST_F(GoferTest, LinkCountsAndDirectoryTimesFollowChanges) {
  put(*open_file("file", O_CREAT | O_WRONLY), "content");
  const auto links = [&] { return at("file").dentry->inode_pointer()->attributes().value().links; };
  EXPECT_EQ(links(), 1u);
  EXPECT_EQ(link("file", "second"), 0);
  EXPECT_EQ(links(), 2u);
  EXPECT_EQ(rm("second"), 0);
  EXPECT_EQ(links(), 1u);
  EXPECT_EQ(mkdir("d"), 0);
  EXPECT_EQ(mkdir("d/sub"), 0);
  EXPECT_EQ(at("d").dentry->inode_pointer()->attributes().value().links, 3u);
}

}  // namespace
}  // namespace runsc
