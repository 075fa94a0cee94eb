#include "boot/vfs/file_claim.h"

#include <functional>

#include "boot/vfs/file_mappers.h"
#include "boot/vfs/vfs_fixture_test.h"

namespace runsc {
namespace {

using Kind = FileClaim::Kind;

class FileClaimTest : public VfsTest {
 protected:
  InodePtr make_file() {
    EXPECT_EQ(touch("f", 0700), 0);
    return at("f").dentry->inode();
  }
};

TEST_F(FileClaimTest, WritersAndProgramsExcludeEachOther) {
  const InodePtr inode = make_file();
  {
    const auto writer = FileClaim::take(inode, Kind::kWrite);
    ASSERT_TRUE(writer.ok());
    EXPECT_TRUE(FileClaim::take(inode, Kind::kWrite).ok());
    EXPECT_EQ(Errno(ETXTBSY), FileClaim::take(inode, Kind::kExecute).error());
    EXPECT_TRUE(FileClaim::take(inode, Kind::kRead).ok());
  }
  auto program = FileClaim::take(inode, Kind::kExecute);
  ASSERT_TRUE(program.ok());
  EXPECT_TRUE(FileClaim::take(inode, Kind::kExecute).ok());
  EXPECT_EQ(Errno(ETXTBSY), FileClaim::take(inode, Kind::kWrite).error());
  *program = FileClaim();
  EXPECT_TRUE(FileClaim::take(inode, Kind::kWrite).ok());
  EXPECT_EQ(0, inode->claims().writers.load());
  EXPECT_EQ(0, inode->claims().readers.load());
}

class CountingMapper : public FileMapper {
 public:
  void file_resized(const FileMappers& file) override {
    ++calls;
    size = file.size();
    if (on_call) on_call();
  }
  int calls = 0;
  std::uint64_t size = 0;
  std::function<void()> on_call;
};

TEST_F(FileClaimTest, OpenFilesClaimThem) {
  const InodePtr inode = make_file();
  const auto program = FileClaim::take(inode, Kind::kExecute);
  EXPECT_EQ(open("f", O_WRONLY), ETXTBSY);
  EXPECT_EQ(open("f", O_RDONLY | O_TRUNC), ETXTBSY);
  EXPECT_EQ(error_of(change_size(context_, at("f"), 0)), ETXTBSY);
  EXPECT_EQ(open("f", O_RDONLY), 0);
  EXPECT_EQ(inode->claims().readers.load(), 0) << "closed";
}

TEST(FileMappers, TellsEachOnceAndThoseThatComeMeanwhile) {
  FileMappers mappers(8192);
  const auto first = std::make_shared<CountingMapper>(), late = std::make_shared<CountingMapper>();
  auto gone = std::make_shared<CountingMapper>();
  mappers.add(first);
  mappers.add(gone);
  mappers.add(first);
  gone.reset();
  first->on_call = [&] { mappers.add(late); };
  mappers.set_size(100);
  mappers.tell_resized();
  EXPECT_EQ(1, first->calls);
  EXPECT_EQ(1, late->calls);
  EXPECT_EQ(100u, late->size);
}

}  // namespace
}  // namespace runsc
