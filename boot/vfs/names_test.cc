// Creation, removal and renaming: what Linux allows and how it refuses the rest.
#include <cstdio>

#include "boot/vfs/inode_watches.h"
#include "boot/vfs/vfs_fixture_test.h"

namespace runsc {
namespace {

class NamesTest : public VfsTest {};

TEST_F(NamesTest, MakesAndRemovesDirectories) {
  EXPECT_EQ(mkdir("d/"), 0);
  EXPECT_EQ(mkdir("d"), EEXIST);
  EXPECT_EQ(mkdir("d/."), EEXIST);
  EXPECT_EQ(mkdir("/"), EEXIST);
  EXPECT_EQ(mkdir("d/e"), 0);
  EXPECT_EQ(rmdir("d"), ENOTEMPTY);
  EXPECT_EQ(rmdir("d/e/."), EINVAL);
  EXPECT_EQ(rmdir("d/e/.."), ENOTEMPTY);
  EXPECT_EQ(rmdir("/"), EBUSY);
  EXPECT_EQ(rm("d/e"), EISDIR);
  EXPECT_EQ(rm("d/e/"), EISDIR);
  EXPECT_EQ(rmdir("d/e/"), 0);
  ASSERT_EQ(touch("f"), 0);
  EXPECT_EQ(rmdir("f"), ENOTDIR);
  EXPECT_EQ(rm("f/"), ENOTDIR);
  EXPECT_EQ(rm("."), EISDIR);
  EXPECT_EQ(rm("f"), 0);
  EXPECT_EQ(rm("f"), ENOENT);
}

TEST_F(NamesTest, TrailingSlashesNameDirectories) {
  EXPECT_EQ(symlink("x", "s/"), ENOENT);
  ASSERT_EQ(touch("f"), 0);
  EXPECT_EQ(link("f", "g/"), ENOENT);
  EXPECT_EQ(mv("f", "g/"), ENOTDIR);
  EXPECT_EQ(mv("f/", "g"), ENOTDIR);
  ASSERT_EQ(mkdir("d"), 0);
  EXPECT_EQ(mv("d/", "e/"), 0);
  ASSERT_EQ(symlink("e", "l"), 0);
  EXPECT_EQ(rmdir("l/"), ENOTDIR);
  EXPECT_EQ(rm("l"), 0);
}

TEST_F(NamesTest, AppliesUmaskAndSetGroupId) {
  ASSERT_EQ(mkdir("d", 0777), 0);
  EXPECT_EQ(at("d").dentry->inode_pointer()->attributes()->mode, S_IFDIR | 0755u);
  ASSERT_EQ(error_of(change_owner(context_, at("d"), std::nullopt, Gid{7})), 0);
  ASSERT_EQ(error_of(change_mode(context_, at("d"), 02777)), 0);
  context_.credentials = user(5);
  ASSERT_EQ(mkdir("d/e"), 0);
  const FileAttributes directory = at("d/e").dentry->inode_pointer()->attributes().value();
  EXPECT_EQ(directory.mode, S_IFDIR | 02755u);
  EXPECT_EQ(directory.gid, Gid{7});
  context_.umask = 0;
  ASSERT_EQ(touch("d/f", 02775), 0);
  EXPECT_EQ(at("d/f").dentry->inode_pointer()->attributes()->mode, S_IFREG | 0775u);
}

TEST_F(NamesTest, DevicesNeedACapability) {
  EXPECT_EQ(error_of(make_node(context_, from_, "null", S_IFCHR | 0666, 259)), 0);
  context_.credentials = user(0);
  EXPECT_EQ(error_of(make_node(context_, from_, "zero", S_IFCHR | 0666, 261)), EPERM);
  EXPECT_EQ(error_of(make_node(context_, from_, "white", S_IFCHR | 0666, 0)), 0);
  EXPECT_EQ(error_of(make_node(context_, from_, "fifo", S_IFIFO | 0666, 0)), 0);
  EXPECT_EQ(error_of(make_node(context_, from_, "dir", S_IFDIR | 0666, 0)), EPERM);
  EXPECT_EQ(error_of(make_node(context_, from_, "bad", 0170000, 0)), EINVAL);
  EXPECT_EQ(open("null", O_RDONLY), ENXIO);
}

TEST_F(NamesTest, LinksFilesOnly) {
  ASSERT_EQ(touch("f"), 0);
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(symlink("f", "s"), 0);
  EXPECT_EQ(link("f", "g"), 0);
  EXPECT_EQ(link("f", "g"), EEXIST);
  EXPECT_EQ(link("d", "e"), EPERM);
  EXPECT_EQ(link("x", "e"), ENOENT);
  EXPECT_EQ(link("s", "t"), 0);
  EXPECT_TRUE(S_ISLNK(at("t").dentry->inode_pointer()->type()));
  EXPECT_EQ(link("s", "u", AT_SYMLINK_FOLLOW), 0);
  EXPECT_TRUE(S_ISREG(at("u").dentry->inode_pointer()->type()));
}

TEST_F(NamesTest, RenamesWithinTheRules) {
  ASSERT_EQ(mkdir("a"), 0);
  ASSERT_EQ(mkdir("a/b"), 0);
  ASSERT_EQ(mkdir("empty"), 0);
  ASSERT_EQ(touch("f"), 0);
  ASSERT_EQ(touch("g"), 0);
  EXPECT_EQ(mv("x", "y"), ENOENT);
  EXPECT_EQ(mv("a", "a/b/c"), EINVAL);
  EXPECT_EQ(mv("a/b", "a"), ENOTEMPTY);
  EXPECT_EQ(mv("empty", "a"), ENOTEMPTY);
  EXPECT_EQ(mv("f", "a"), EISDIR);
  EXPECT_EQ(mv("a", "f"), ENOTDIR);
  EXPECT_EQ(mv(".", "b"), EBUSY);
  EXPECT_EQ(mv("a", "."), EBUSY);
  EXPECT_EQ(mv("f", "g", RENAME_NOREPLACE), EEXIST);
  EXPECT_EQ(mv("f", "nothing", RENAME_EXCHANGE), ENOENT);
  EXPECT_EQ(mv("f", "g", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
  EXPECT_EQ(mv("a/b", "a", RENAME_EXCHANGE), EINVAL);
  EXPECT_EQ(mv("f", "f"), 0);
  EXPECT_EQ(mv("f", "g"), 0);
  EXPECT_EQ(look("f"), ENOENT);
  EXPECT_EQ(mv("a", "empty"), 0);
  EXPECT_EQ(look("empty/b"), 0);
  ASSERT_EQ(link("g", "h"), 0);
  EXPECT_EQ(mv("g", "h"), 0);
  EXPECT_EQ(look("g"), 0);
}

TEST_F(NamesTest, CachedPlacesFollowARename) {
  ASSERT_EQ(mkdir("a"), 0);
  ASSERT_EQ(mkdir("a/b"), 0);
  const VfsPath inner = at("a/b");
  ASSERT_EQ(mkdir("c"), 0);
  ASSERT_EQ(mv("a", "c/d"), 0);
  EXPECT_EQ(show_path(inner, context_.root).text, "/c/d/b");
  EXPECT_EQ(at("c/d/b").dentry, inner.dentry);
  ASSERT_EQ(mkdir("e"), 0);
  ASSERT_EQ(mv("e", "c/d", RENAME_EXCHANGE), 0);
  EXPECT_EQ(show_path(inner, context_.root).text, "/e/b");
  EXPECT_EQ(look("c/d/b"), ENOENT);
}

TEST_F(NamesTest, StickyDirectoriesProtectTheirFiles) {
  ASSERT_EQ(mkdir("tmp"), 0);
  ASSERT_EQ(error_of(change_mode(context_, at("tmp"), 01777)), 0);
  context_.credentials = user(5);
  ASSERT_EQ(touch("tmp/mine"), 0);
  context_.credentials = user(6);
  EXPECT_EQ(rm("tmp/mine"), EPERM);
  EXPECT_EQ(mv("tmp/mine", "tmp/yours"), EPERM);
  ASSERT_EQ(touch("tmp/other"), 0);
  EXPECT_EQ(mv("tmp/other", "tmp/mine"), EPERM);
  context_.credentials = user(5);
  EXPECT_EQ(rm("tmp/mine"), 0);
}

TEST_F(NamesTest, AttributeChangesNeedTheOwner) {
  ASSERT_EQ(touch("f"), 0);
  ASSERT_EQ(error_of(change_owner(context_, at("f"), Uid{5}, Gid{5})), 0);
  ASSERT_EQ(error_of(change_mode(context_, at("f"), 06755)), 0);
  AttributeChange times;
  times.modify_time = {false, {1, 2}};
  context_.credentials = user(6);
  EXPECT_EQ(error_of(change_mode(context_, at("f"), 0)), EPERM);
  EXPECT_EQ(error_of(change_owner(context_, at("f"), Uid{6}, std::nullopt)), EPERM);
  EXPECT_EQ(error_of(change_times(context_, at("f"), times, false)), EPERM);
  EXPECT_EQ(error_of(change_times(context_, at("f"), times, true)), EACCES);
  EXPECT_EQ(error_of(change_size(context_, at("f"), 0)), EACCES);
  context_.credentials = user(5);
  EXPECT_EQ(error_of(change_owner(context_, at("f"), Uid{6}, std::nullopt)), EPERM);
  EXPECT_EQ(error_of(change_owner(context_, at("f"), std::nullopt, Gid{5})), 0);
  EXPECT_EQ(at("f").dentry->inode_pointer()->attributes()->mode, S_IFREG | 0755u);
  EXPECT_EQ(error_of(change_times(context_, at("f"), times, false)), 0);
  EXPECT_EQ(at("f").dentry->inode_pointer()->attributes()->modify_time.tv_nsec, 2);
}

// Writes down what it hears.
class Recorder : public InodeWatch {
 public:
  const void* owner() const override { return this; }
  void notify(std::uint32_t mask, std::uint32_t, std::string_view name) override { events.emplace_back(mask, name); }
  std::vector<std::pair<std::uint32_t, std::string>> events;
};

TEST_F(NamesTest, TellsWatches) {
  ASSERT_EQ(mkdir("d"), 0);
  const auto recorder = std::make_shared<Recorder>();
  InodeWatches& watches = at("d").dentry->inode_pointer()->watches();
  watches.add(recorder);
  EXPECT_EQ(watches.find(recorder.get()), recorder);
  ASSERT_EQ(touch("d/f"), 0);
  ASSERT_EQ(mkdir("d/e"), 0);
  ASSERT_EQ(mv("d/f", "d/g"), 0);
  ASSERT_EQ(rm("d/g"), 0);
  using Events = decltype(recorder->events);
  EXPECT_EQ(recorder->events, (Events{{IN_CREATE, "f"},
                                      {IN_OPEN, "f"},
                                      {IN_CLOSE_WRITE, "f"},
                                      {IN_CREATE | IN_ISDIR, "e"},
                                      {IN_MOVED_FROM, "f"},
                                      {IN_MOVED_TO, "g"},
                                      {IN_DELETE, "g"}}));
  watches.remove(*recorder);
  ASSERT_EQ(touch("d/h"), 0);
  EXPECT_EQ(recorder->events.size(), 7u);
}

}  // namespace
}  // namespace runsc
