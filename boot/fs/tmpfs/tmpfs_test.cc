#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <map>

#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

// Lists names up to `room` of them.
class NameSink : public DirectorySink {
 public:
  explicit NameSink(std::size_t room) : room_(room) {}
  bool add(std::string_view name, std::uint64_t, std::uint8_t type, std::int64_t) override {
    if (names.size() == room_) return false;
    names.emplace_back(name);
    types[std::string(name)] = type;
    return true;
  }
  std::vector<std::string> names;
  std::map<std::string, std::uint8_t> types;

 private:
  std::size_t room_;
};

class TmpfsTest : public ::testing::Test {
 protected:
  explicit TmpfsTest(std::string_view options = "mode=755") {
    TmpfsOptions parsed;
    EXPECT_TRUE(parsed.parse(options).ok());
    file_system_ = TmpfsFileSystem::create(memory_, parsed);
    mounts_ = std::make_shared<MountNamespace>(file_system_, 0, "tmpfs");
    context_.root = context_.cwd = mounts_->root_path();
    context_.credentials = root_credentials();
    from_.start = context_.cwd;
  }
  FilePtr open(std::string_view path, int flags, std::uint32_t mode = 0644) {
    auto file = open_path(context_, from_, path, {flags}, mode);
    EXPECT_TRUE(file.ok()) << path << ": " << (file.ok() ? "" : errno_name(file.error()));
    return file.ok() ? *file : nullptr;
  }
  static std::size_t write(FileDescription& file, std::string_view text) {
    BufferSource source(std::as_bytes(std::span(text)));
    return file.write(source, std::nullopt, 0).value_or(0);
  }
  static std::string read(FileDescription& file, std::size_t length) {
    std::string text(length, '?');
    BufferSink sink(std::as_writable_bytes(std::span(text)));
    text.resize(file.read(sink, std::nullopt, 0).value_or(0));
    return text;
  }
  FileAttributes stat(std::string_view path) {
    auto found = walk(context_, from_, path, {.follow_last = false});
    return found.ok() ? found->dentry->inode_pointer()->attributes().value_or({}) : FileAttributes();
  }

  std::shared_ptr<MemoryFile> memory_ = MemoryFile::create().value();
  std::shared_ptr<TmpfsFileSystem> file_system_;
  MountNamespacePtr mounts_;
  WalkContext context_;
  WalkFrom from_;
};

TEST_F(TmpfsTest, WritesAppendsAndSeeks) {
  const FilePtr file = open("a", O_CREAT | O_RDWR);
  EXPECT_EQ(write(*file, "12345"), 5u);
  EXPECT_EQ(file->seek(1, SEEK_SET).value(), 1);
  EXPECT_EQ(read(*file, 2), "23");
  EXPECT_EQ(file->seek(-1, SEEK_END).value(), 4);
  EXPECT_EQ(file->seek(-9, SEEK_CUR).error(), Errno(EINVAL));
  const FilePtr appender = open("a", O_WRONLY | O_APPEND);
  write(*appender, "67");
  EXPECT_EQ(read(*file, 9), "567");
  EXPECT_EQ(stat("a").size, 7u);
  EXPECT_EQ(open("a", O_WRONLY | O_TRUNC)->attributes()->size, 0u);
}

TEST_F(TmpfsTest, ListsDirectoriesWithStableCookies) {
  ASSERT_TRUE(make_directory(context_, from_, "d", 0755).ok());
  for (const char* name : {"d/a", "d/b", "d/c"}) open(name, O_CREAT | O_RDWR);
  ASSERT_TRUE(make_symlink(context_, "x", from_, "d/s").ok());
  const FilePtr directory = open("d", O_RDONLY | O_DIRECTORY);
  NameSink first(3);
  ASSERT_TRUE(directory->read_directory(first).ok());
  EXPECT_EQ(first.names, (std::vector<std::string>{".", "..", "a"}));
  ASSERT_TRUE(unlink(context_, from_, "d/a").ok());
  ASSERT_TRUE(unlink(context_, from_, "d/b").ok());
  open("d/e", O_CREAT | O_RDWR);
  NameSink rest(9);
  ASSERT_TRUE(directory->read_directory(rest).ok());
  // What is made during a listing is for the next one: otherwise it might never end.
  EXPECT_EQ(rest.names, (std::vector<std::string>{"c", "s"}));
  EXPECT_EQ(rest.types["s"], DT_LNK);
  NameSink end(9);
  ASSERT_TRUE(directory->read_directory(end).ok());
  EXPECT_TRUE(end.names.empty());
  ASSERT_TRUE(directory->seek(0, SEEK_SET).ok());
  NameSink again(9);
  ASSERT_TRUE(directory->read_directory(again).ok());
  EXPECT_EQ(again.names, (std::vector<std::string>{".", "..", "c", "s", "e"}));
}

TEST_F(TmpfsTest, CountsLinks) {
  open("a", O_CREAT | O_RDWR);
  ASSERT_TRUE(make_link(context_, from_, "a", from_, "b", 0).ok());
  EXPECT_EQ(stat("a").links, 2u);
  EXPECT_EQ(stat("a").inode, stat("b").inode);
  ASSERT_TRUE(unlink(context_, from_, "a").ok());
  EXPECT_EQ(stat("b").links, 1u);
  ASSERT_TRUE(make_directory(context_, from_, "d", 0755).ok());
  ASSERT_TRUE(make_directory(context_, from_, "d/e", 0755).ok());
  EXPECT_EQ(stat("d").links, 3u);
  ASSERT_TRUE(rename(context_, from_, "d/e", from_, "e", 0).ok());
  EXPECT_EQ(stat("d").links, 2u);
}

TEST_F(TmpfsTest, UnlinkedFilesLiveUntilTheyAreClosed) {
  FilePtr file = open("a", O_CREAT | O_RDWR);
  write(*file, std::string(8192, 'x'));
  ASSERT_TRUE(unlink(context_, from_, "a").ok());
  EXPECT_EQ(file->attributes()->links, 0u);
  EXPECT_EQ(file_system_->pages().used(), 2u);
  file.reset();
  EXPECT_EQ(file_system_->pages().used(), 0u);
  EXPECT_EQ(file_system_->inodes().used(), 1u);
}

TEST_F(TmpfsTest, UnnamedFilesCanBeLinkedOnce) {
  const FilePtr file = open(".", O_TMPFILE | O_RDWR);
  EXPECT_EQ(file->attributes()->links, 0u);
  const WalkFrom place{file->path(), 0};
  ASSERT_TRUE(make_link(context_, place, "", from_, "named", AT_EMPTY_PATH).ok());
  EXPECT_EQ(stat("named").links, 1u);
}

TEST_F(TmpfsTest, KeepsAttributesAndXattrs) {
  open("a", O_CREAT | O_RDWR);
  const VfsPath path = walk(context_, from_, "a").value();
  ASSERT_TRUE(change_mode(context_, path, 04711).ok());
  ASSERT_TRUE(change_owner(context_, path, Uid{5}, Gid{6}).ok());
  EXPECT_EQ(stat("a").mode, S_IFREG | 0711u);
  EXPECT_EQ(stat("a").uid, Uid{5});
  Inode& inode = *path.dentry->inode_pointer();
  const std::byte value[2] = {std::byte{1}, std::byte{2}};
  ASSERT_TRUE(inode.set_xattr("user.x", value, 0).ok());
  EXPECT_EQ(inode.get_xattr("user.x")->size(), 2u);
  EXPECT_EQ(inode.list_xattrs().value(), std::vector<std::string>{"user.x"});
  ASSERT_TRUE(inode.remove_xattr("user.x").ok());
  EXPECT_EQ(inode.get_xattr("user.x").error(), Errno(ENODATA));
}

TEST_F(TmpfsTest, RenamesWithWhiteoutAndExchange) {
  open("a", O_CREAT | O_RDWR);
  ASSERT_TRUE(make_directory(context_, from_, "d", 0755).ok());
  ASSERT_TRUE(rename(context_, from_, "a", from_, "d", RENAME_EXCHANGE).ok());
  EXPECT_TRUE(stat("a").is_directory());
  EXPECT_TRUE(stat("d").is_regular());
  ASSERT_TRUE(rename(context_, from_, "d", from_, "a/f", RENAME_WHITEOUT).ok());
  EXPECT_TRUE(S_ISCHR(stat("d").mode));
  EXPECT_EQ(stat("d").rdev, 0u);
}

TEST_F(TmpfsTest, SealsMemoryFiles) {
  const FilePtr file = make_anonymous_file(file_system_, "memfd:x", 4096, true).value();
  EXPECT_EQ(file->seals().value(), 0);
  FileMapping mapping = file->map(0, 4096, true).value();
  EXPECT_EQ(file->add_seals(F_SEAL_WRITE).error(), Errno(EBUSY));
  mapping = {};
  ASSERT_TRUE(file->add_seals(F_SEAL_WRITE | F_SEAL_GROW).ok());
  BufferSource source(std::as_bytes(std::span("b", 1)));
  EXPECT_EQ(file->write(source, 0, 0).error(), Errno(EPERM));
  EXPECT_EQ(file->truncate(8192).error(), Errno(EPERM));
  EXPECT_EQ(file->map(0, 4096, true).error(), Errno(EPERM));
  const ShownPath shown = show_path(file->path(), context_.root);
  EXPECT_EQ(shown.text, "/memfd:x");
  EXPECT_TRUE(shown.deleted);
}

class SmallTmpfsTest : public TmpfsTest {
 protected:
  SmallTmpfsTest() : TmpfsTest("size=16k,nr_inodes=3,mode=1777,uid=7") {}
};

TEST_F(SmallTmpfsTest, ObservesItsLimits) {
  const FilePtr file = open("a", O_CREAT | O_RDWR);
  EXPECT_EQ(write(*file, std::string(65536, 'x')), 16384u);
  open("b", O_CREAT | O_RDWR);
  EXPECT_EQ(open_path(context_, from_, "c", {O_CREAT | O_RDWR}, 0644).error(), Errno(ENOSPC));
  const struct statfs stats = file_system_->statistics().value();
  EXPECT_EQ(stats.f_blocks, 4u);
  EXPECT_EQ(stats.f_bfree, 0u);
  EXPECT_EQ(stats.f_ffree, 0u);
  EXPECT_EQ(file_system_->show_options(), "size=16k,nr_inodes=3,uid=7");
  EXPECT_EQ(file_system_->remount("size=4k").error(), Errno(EINVAL));
  EXPECT_TRUE(file_system_->remount("size=64k").ok());
}

TEST(TmpfsOptions, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"size=x", "size=", "nosuch", "mode=9", "size=99999999999999999999", "uid=-1"}) {
    TmpfsOptions options;
    EXPECT_EQ(options.parse(text).error(), Errno(EINVAL)) << text;
  }
  TmpfsOptions options;
  ASSERT_TRUE(options.parse("size=1m,,mode=0700,size=50%").ok());
  EXPECT_EQ(options.mode, 0700u);
}

// A chain that would overflow the stack if it were destroyed recursively.
TEST_F(TmpfsTest, DeepTreesEndWithoutRecursion) {
  WalkFrom at = from_;
  for (int depth = 0; depth < 100'000; ++depth) {
    ASSERT_TRUE(make_directory(context_, at, "d", 0755).ok());
    at.start = walk(context_, at, "d").value();
  }
  at = {};
}

}  // namespace
}  // namespace runsc
