#include "boot/vfs/mount.h"

#include <sys/mount.h>

#include "boot/vfs/vfs_fixture_test.h"

namespace runsc {
namespace {

class MountTest : public VfsTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkdir("a"), 0);
    ASSERT_EQ(mkdir("b"), 0);
  }
};

TEST_F(MountTest, StacksMounts) {
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "one").ok());
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "two").ok());
  EXPECT_EQ(at("a").mount->source(), "two");
  ASSERT_TRUE(mounts_->unmount(at("a"), 0).ok());
  EXPECT_EQ(at("a").mount->source(), "one");
  ASSERT_TRUE(mounts_->unmount(at("a"), 0).ok());
  EXPECT_EQ(error_of(mounts_->unmount(at("a"), 0)), EINVAL);
  EXPECT_EQ(error_of(mounts_->unmount(mounts_->root_path(), 0)), EINVAL);
}

TEST_F(MountTest, BindsShowTheSameFiles) {
  ASSERT_EQ(mkdir("a/sub"), 0);
  ASSERT_TRUE(mounts_->mount(at("a/sub"), new_tmpfs(), 0, "inner").ok());
  ASSERT_EQ(touch("a/sub/f"), 0);
  ASSERT_TRUE(mounts_->bind(at("a"), at("b"), MS_RDONLY, false).ok());
  EXPECT_EQ(look("b/sub"), 0);
  EXPECT_EQ(look("b/sub/f"), ENOENT);
  EXPECT_EQ(touch("b/new"), EROFS);
  ASSERT_EQ(touch("a/new"), 0);
  EXPECT_EQ(look("b/new"), 0);
  EXPECT_EQ(link("a/new", "b/other"), EROFS);
  EXPECT_EQ(link("b/new", "a/other"), EXDEV);
  ASSERT_TRUE(mounts_->unmount(at("b"), 0).ok());
  ASSERT_TRUE(mounts_->bind(at("a"), at("b"), 0, true).ok());
  EXPECT_EQ(look("b/sub/f"), 0);
  EXPECT_EQ(error_of(mounts_->unmount(at("b"), 0)), EBUSY);
  EXPECT_EQ(error_of(mounts_->unmount(at("b"), MNT_DETACH)), 0);
  EXPECT_EQ(mounts_->list().size(), 2u);
}

TEST_F(MountTest, RefusesMismatchedAndDeletedPlaces) {
  ASSERT_EQ(touch("f"), 0);
  EXPECT_EQ(error_of(mounts_->mount(at("f"), new_tmpfs(), 0, "x")), ENOTDIR);
  EXPECT_EQ(error_of(mounts_->bind(at("f"), at("f"), 0, false)), 0);
  const VfsPath gone = at("a");
  ASSERT_EQ(rmdir("a"), 0);
  EXPECT_EQ(error_of(mounts_->mount(gone, new_tmpfs(), 0, "x")), ENOENT);
}

TEST_F(MountTest, AFailedWalkHoldsNoMount) {
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "x").ok());
  const std::weak_ptr<Mount> mount = at("a").mount;
  EXPECT_EQ(look("a/" + std::string(256, 'n')), ENAMETOOLONG);
  ASSERT_TRUE(mounts_->unmount(at("a"), 0).ok());
  EXPECT_TRUE(mount.expired());
}

TEST_F(MountTest, BusyMountsStay) {
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "x").ok());
  {
    const VfsPath used = at("a");
    EXPECT_EQ(error_of(mounts_->unmount(at("a"), 0)), EBUSY);
  }
  EXPECT_EQ(error_of(mounts_->unmount(at("a"), 0)), 0);
}

TEST_F(MountTest, MovesAndPivots) {
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "x").ok());
  ASSERT_EQ(mkdir("a/old"), 0);
  EXPECT_EQ(error_of(mounts_->move(at("a"), at("a/old"))), ELOOP);
  ASSERT_TRUE(mounts_->move(at("a"), at("b")).ok());
  EXPECT_EQ(look("a/old"), ENOENT);
  ASSERT_EQ(look("b/old"), 0);
  EXPECT_EQ(error_of(mounts_->pivot(at("a"), at("b/old"))), EBUSY);
  ASSERT_TRUE(mounts_->pivot(at("b"), at("b/old")).ok());
  context_.root = context_.cwd = from_.start = mounts_->root_path();
  EXPECT_EQ(look("/old/a"), 0);
  EXPECT_EQ(shown("/old/a"), "/old/a");
  EXPECT_EQ(mounts_->list().front()->source(), "x");
}

TEST_F(MountTest, CopiedNamespacesAreIndependent) {
  ASSERT_TRUE(mounts_->mount(at("a"), new_tmpfs(), 0, "x").ok());
  ASSERT_EQ(mkdir("a/d"), 0);
  VfsPath cwd = at("a/d");
  VfsPath root = mounts_->root_path();
  const MountNamespacePtr copy = mounts_->copy({&cwd, &root});
  EXPECT_EQ(show_path(cwd, root).text, "/a/d");
  EXPECT_TRUE(copy->contains(*cwd.mount));
  ASSERT_TRUE(mounts_->unmount(at("a"), MNT_DETACH).ok());
  EXPECT_EQ(look("a/d"), ENOENT);
  context_.root = from_.start = root;
  EXPECT_EQ(look("a/d"), 0);
}

// Nothing of a file system outlives its mounts.
TEST_F(MountTest, UnmountedFileSystemsEnd) {
  std::weak_ptr<FileSystem> ended;
  {
    FileSystemPtr file_system = new_tmpfs();
    ended = file_system;
    ASSERT_TRUE(mounts_->mount(at("a"), std::move(file_system), 0, "x").ok());
  }
  for (int i = 0; i < 20; ++i) ASSERT_EQ(touch("a/f" + std::to_string(i)), 0);
  EXPECT_EQ(look("a/nothing"), ENOENT);
  ASSERT_TRUE(mounts_->unmount(at("a"), 0).ok());
  EXPECT_TRUE(ended.expired());
}

TEST_F(MountTest, DroppedNamespacesEndTheirFileSystems) {
  std::weak_ptr<FileSystem> ended;
  {
    FileSystemPtr file_system = new_tmpfs();
    ended = file_system;
    ASSERT_TRUE(mounts_->mount(at("a"), std::move(file_system), 0, "x").ok());
  }
  context_ = {};
  from_ = {};
  mounts_.reset();
  EXPECT_TRUE(ended.expired());
}

TEST_F(MountTest, CachesAreBounded) {
  DentryCache& cache = mounts_->root()->file_system().dentry_cache();
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(look("missing" + std::to_string(i)), ENOENT);
  EXPECT_LE(cache.size(), DentryCache::kDefaultLimit);
  cache.shrink(10);
  EXPECT_LE(cache.size(), 10u);
  EXPECT_EQ(look("a"), 0);
  cache.set_limit(5);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(look("absent" + std::to_string(i)), ENOENT);
  EXPECT_LE(cache.size(), 5u);
}

}  // namespace
}  // namespace runsc
