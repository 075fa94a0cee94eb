#include <linux/openat2.h>
#include <sys/mount.h>

#include <map>

#include "boot/vfs/vfs_fixture_test.h"

namespace runsc {
namespace {

class WalkTest : public VfsTest {};

TEST_F(WalkTest, FindsFilesAndReportsWhatIsMissing) {
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(touch("d/f"), 0);
  EXPECT_EQ(look("d/f"), 0);
  EXPECT_EQ(look("/d/./../d//f"), 0);
  EXPECT_EQ(look("d/"), 0);
  EXPECT_EQ(look(""), ENOENT);
  EXPECT_EQ(look("d/x"), ENOENT);
  EXPECT_EQ(look("x/y"), ENOENT);
  EXPECT_EQ(look("d/f/"), ENOTDIR);
  EXPECT_EQ(look("d/f/x"), ENOTDIR);
  EXPECT_EQ(look("d/f/.."), ENOTDIR);
  EXPECT_EQ(look("/../../d"), 0);
  EXPECT_EQ(look(std::string(256, 'n')), ENAMETOOLONG);
  EXPECT_EQ(look(std::string(255, 'n')), ENOENT);
}

TEST_F(WalkTest, FollowsSymlinks) {
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(touch("d/f"), 0);
  ASSERT_EQ(symlink("d", "l"), 0);
  ASSERT_EQ(symlink("/d/f", "absolute"), 0);
  ASSERT_EQ(symlink("nowhere", "dangling"), 0);
  ASSERT_EQ(symlink("../l/f", "d/up"), 0);
  EXPECT_EQ(look("l/f"), 0);
  EXPECT_EQ(look("absolute"), 0);
  EXPECT_EQ(look("d/up"), 0);
  EXPECT_EQ(look("dangling"), ENOENT);
  EXPECT_EQ(look("dangling", false), 0);
  EXPECT_EQ(look("l/", false), 0);
  EXPECT_EQ(look("absolute/", false), ENOTDIR);
  EXPECT_EQ(at("l/").dentry, at("d").dentry);
}

TEST_F(WalkTest, FindsDeepPathsThatAreNotCached) {
  ASSERT_EQ(mkdir("a"), 0);
  ASSERT_EQ(mkdir("a/b"), 0);
  ASSERT_EQ(touch("a/b/f"), 0);
  ASSERT_EQ(symlink("b", "a/l"), 0);
  DentryCache& cache = mounts_->root()->file_system().dentry_cache();
  for (const auto& [path, error] : std::map<std::string, int>{{"a/b/f", 0},
                                                              {"a/x/f", ENOENT},
                                                              {"a/b/f/x", ENOTDIR},
                                                              {"a/l/f", 0},
                                                              {"a/l/x/y", ENOENT},
                                                              {"a/./b/../b/f", 0}}) {
    cache.shrink(0);
    EXPECT_EQ(look(path), error) << path;
    EXPECT_EQ(look(path), error) << path;
  }
}

TEST_F(WalkTest, LoopsEndAfterFortyLinks) {
  ASSERT_EQ(symlink("b", "a"), 0);
  ASSERT_EQ(symlink("a", "b"), 0);
  EXPECT_EQ(look("a"), ELOOP);
  ASSERT_EQ(touch("l0"), 0);
  for (int i = 1; i <= 41; ++i) ASSERT_EQ(symlink("l" + std::to_string(i - 1), "l" + std::to_string(i)), 0);
  EXPECT_EQ(look("l40"), 0);
  EXPECT_EQ(look("l41"), ELOOP);
}

TEST_F(WalkTest, NeedsSearchPermission) {
  ASSERT_EQ(mkdir("closed", 0600), 0);
  ASSERT_EQ(touch("closed/f"), 0);
  context_.credentials = user(5);
  EXPECT_EQ(look("closed"), 0);
  EXPECT_EQ(look("closed/f"), EACCES);
  EXPECT_EQ(look("closed/."), EACCES);
}

TEST_F(WalkTest, StaysInAChangedRoot) {
  ASSERT_EQ(mkdir("jail"), 0);
  ASSERT_EQ(mkdir("jail/d"), 0);
  ASSERT_EQ(touch("outside"), 0);
  ASSERT_EQ(symlink("/../../outside", "jail/escape"), 0);
  context_.root = context_.cwd = from_.start = at("jail");
  EXPECT_EQ(look("../outside"), ENOENT);
  EXPECT_EQ(look("escape"), ENOENT);
  EXPECT_EQ(look("d/../../../../d"), 0);
  EXPECT_EQ(shown("d"), "/d");
}

TEST_F(WalkTest, ObservesResolveFlags) {
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(touch("d/f"), 0);
  ASSERT_EQ(touch("f"), 0);
  ASSERT_EQ(symlink("f", "d/link"), 0);
  ASSERT_EQ(symlink("/f", "d/absolute"), 0);
  ASSERT_EQ(symlink("../f", "d/up"), 0);
  from_.start = at("d");
  EXPECT_EQ(look("link", true, RESOLVE_NO_SYMLINKS), ELOOP);
  EXPECT_EQ(look("link", false, RESOLVE_NO_SYMLINKS), 0);
  EXPECT_EQ(look("link", true, RESOLVE_BENEATH), 0);
  EXPECT_EQ(look("absolute", true, RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(look("up", true, RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(look("/f", true, RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(look("..", true, RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(look("absolute", true, RESOLVE_IN_ROOT), 0);
  EXPECT_EQ(look("up", true, RESOLVE_IN_ROOT), 0);
  EXPECT_EQ(look("/f", true, RESOLVE_IN_ROOT), 0);
}

TEST_F(WalkTest, CrossesMounts) {
  ASSERT_EQ(mkdir("m"), 0);
  ASSERT_EQ(touch("m/hidden"), 0);
  ASSERT_TRUE(mounts_->mount(at("m"), new_tmpfs(), 0, "tmpfs").ok());
  EXPECT_EQ(look("m/hidden"), ENOENT);
  ASSERT_EQ(mkdir("m/d"), 0);
  EXPECT_EQ(shown("m/d"), "/m/d");
  EXPECT_EQ(look("m/d/../../m/d"), 0);
  EXPECT_EQ(look("m/d", true, RESOLVE_NO_XDEV), EXDEV);
  EXPECT_EQ(rmdir("m"), EBUSY);
  EXPECT_EQ(mv("m", "n"), EBUSY);
  EXPECT_EQ(mv("m/d", "d"), EXDEV);
  ASSERT_TRUE(mounts_->unmount(at("m"), 0).ok());
  EXPECT_EQ(look("m/hidden"), 0);
}

TEST_F(WalkTest, ShowsDeletedPlaces) {
  ASSERT_EQ(mkdir("d"), 0);
  const VfsPath path = at("d");
  ASSERT_EQ(rmdir("d"), 0);
  const ShownPath shown = show_path(path, context_.root);
  EXPECT_EQ(shown.text, "/d");
  EXPECT_TRUE(shown.deleted);
  from_.start = path;
  EXPECT_EQ(mkdir("x"), ENOENT);
  EXPECT_EQ(touch("x"), ENOENT);
  EXPECT_EQ(look(".."), 0);
}

TEST_F(WalkTest, OpensAsLinuxDoes) {
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(touch("f"), 0);
  ASSERT_EQ(symlink("f", "l"), 0);
  ASSERT_EQ(symlink("made", "dangling"), 0);
  EXPECT_EQ(open("f", O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(open("dangling", O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(open("dangling", O_CREAT), 0);
  EXPECT_EQ(look("made"), 0);
  EXPECT_EQ(open("l", O_NOFOLLOW), ELOOP);
  EXPECT_EQ(open("l", O_NOFOLLOW | O_PATH), 0);
  EXPECT_EQ(open("f", O_DIRECTORY), ENOTDIR);
  EXPECT_EQ(open("f/", O_RDONLY), ENOTDIR);
  EXPECT_EQ(open("d", O_WRONLY), EISDIR);
  EXPECT_EQ(open("d", O_CREAT), EISDIR);
  EXPECT_EQ(open("x/", O_CREAT), EISDIR);
  EXPECT_EQ(open("d/.", O_CREAT), EISDIR);
  EXPECT_EQ(open("x/y", O_CREAT), ENOENT);
  EXPECT_EQ(open("d", O_TMPFILE | O_RDONLY), EINVAL);
  EXPECT_EQ(open("f", O_TMPFILE | O_RDWR), ENOTDIR);
  context_.credentials = user(5);
  EXPECT_EQ(open("f", O_RDONLY), 0);
  EXPECT_EQ(open("f", O_RDONLY | O_TRUNC), EACCES);
  EXPECT_EQ(open("f", O_RDWR), EACCES);
  EXPECT_EQ(open("new", O_CREAT), EACCES);
  EXPECT_EQ(open("f", O_RDONLY | O_NOATIME), EPERM);
}

TEST_F(WalkTest, ReadOnlyMountsRefuseChanges) {
  ASSERT_EQ(mkdir("d"), 0);
  ASSERT_EQ(touch("f"), 0);
  mounts_->root()->set_flags(MS_RDONLY);
  EXPECT_EQ(open("f", O_RDONLY), 0);
  EXPECT_EQ(open("f", O_RDWR), EROFS);
  EXPECT_EQ(open("new", O_CREAT), EROFS);
  EXPECT_EQ(mkdir("d"), EEXIST);
  EXPECT_EQ(mkdir("e"), EROFS);
  EXPECT_EQ(rm("f"), EROFS);
  EXPECT_EQ(mv("f", "g"), EROFS);
  EXPECT_EQ(error_of(change_mode(context_, at("f"), 0)), EROFS);
}

}  // namespace
}  // namespace runsc
