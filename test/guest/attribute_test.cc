// stat and its relatives, modes, owners, times, extended attributes, statfs.
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Attributes : public testing::Test {
 protected:
  void SetUp() override { WriteFile(dir_ / "f", "12345"); }
  std::string P(const std::string& name) { return dir_ / name; }
  const char* F() { return (path_ = P("f")).c_str(); }
  struct stat Stat(const std::string& name = "f") {
    struct stat s = {};
    EXPECT_OK(lstat(P(name).c_str(), &s));
    return s;
  }
  mode_t Mode() { return Stat().st_mode & 07777; }
  ScopedTempDir dir_;
  std::string path_;
};

bool Newer(const timespec& a, const timespec& b) {
  return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

// File times tick coarsely: wait until a new one is later.
void Tick() { usleep(20000); }

TEST_F(Attributes, StatOfARegularFile) {
  struct stat s = Stat();
  EXPECT_TRUE(S_ISREG(s.st_mode));
  EXPECT_EQ(0644u, s.st_mode & 07777);
  EXPECT_EQ(5, s.st_size);
  EXPECT_EQ(1u, s.st_nlink);
  EXPECT_EQ(geteuid(), s.st_uid);
  EXPECT_NE(0u, s.st_ino);
  EXPECT_GT(s.st_blksize, 0);
  EXPECT_EQ(Stat("").st_dev, s.st_dev);
}

TEST_F(Attributes, InodeNumbersAreStableAndDistinct) {
  WriteFile(P("g"), "");
  EXPECT_NE(Stat().st_ino, Stat("g").st_ino);
  EXPECT_EQ(Stat().st_ino, Stat().st_ino);
  Fd fd(open(F(), O_RDONLY));
  struct stat s;
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_EQ(Stat().st_ino, s.st_ino);
}

TEST_F(Attributes, StatFollowsLstatDoesNot) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  struct stat s;
  ASSERT_OK(stat(P("l").c_str(), &s));
  EXPECT_TRUE(S_ISREG(s.st_mode));
  EXPECT_TRUE(S_ISLNK(Stat("l").st_mode));
}

TEST_F(Attributes, FstatatFlags) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  Fd dir(open(dir_.c_str(), O_PATH));
  struct stat s;
  EXPECT_OK(fstatat(dir.get(), "l", &s, AT_SYMLINK_NOFOLLOW));
  EXPECT_TRUE(S_ISLNK(s.st_mode));
  EXPECT_OK(fstatat(dir.get(), "", &s, AT_EMPTY_PATH));
  EXPECT_TRUE(S_ISDIR(s.st_mode));
  EXPECT_ERRNO(fstatat(dir.get(), "", &s, 0), ENOENT);
  EXPECT_ERRNO(fstatat(dir.get(), "f", &s, 0x8000), EINVAL);
  EXPECT_ERRNO(fstatat(-1, "f", &s, 0), EBADF);
  EXPECT_OK(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH));
}

TEST_F(Attributes, StatxFillsWhatWasAsked) {
  struct statx s = {};
  ASSERT_OK(statx(AT_FDCWD, F(), 0, STATX_BASIC_STATS | STATX_BTIME, &s));
  EXPECT_EQ(static_cast<uint32_t>(STATX_BASIC_STATS), s.stx_mask & STATX_BASIC_STATS);
  EXPECT_EQ(5u, s.stx_size);
  EXPECT_EQ(Stat().st_ino, s.stx_ino);
  EXPECT_EQ(makedev(s.stx_dev_major, s.stx_dev_minor), Stat().st_dev);
  EXPECT_ERRNO(statx(AT_FDCWD, F(), 0, 0x80000000, &s), EINVAL);
  EXPECT_ERRNO(statx(AT_FDCWD, F(), AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &s), EINVAL);
  EXPECT_ERRNO(statx(AT_FDCWD, F(), 0x8000, STATX_SIZE, &s), EINVAL);
  Fd fd(open(F(), O_RDONLY));
  EXPECT_OK(statx(fd.get(), "", AT_EMPTY_PATH, STATX_SIZE, &s));
  EXPECT_OK(statx(AT_FDCWD, F(), AT_STATX_FORCE_SYNC, STATX_SIZE, &s));
}

TEST_F(Attributes, StatOfDevicesHasNumbers) {
  struct stat s;
  ASSERT_OK(stat("/dev/null", &s));
  EXPECT_TRUE(S_ISCHR(s.st_mode));
  EXPECT_EQ(makedev(1, 3), s.st_rdev);
  ASSERT_OK(stat("/dev/zero", &s));
  EXPECT_EQ(makedev(1, 5), s.st_rdev);
}

TEST_F(Attributes, FstatOfAnonymousObjects) {
  Pipe pipe;
  struct stat s;
  ASSERT_OK(fstat(pipe.read.get(), &s));
  EXPECT_TRUE(S_ISFIFO(s.st_mode));
  EXPECT_EQ(0600u, s.st_mode & 0777);
}

TEST_F(Attributes, ChmodChangesThePermissionBits) {
  EXPECT_OK(chmod(F(), 0751));
  EXPECT_EQ(0751u, Mode());
  Fd fd(open(F(), O_RDONLY));
  EXPECT_OK(fchmod(fd.get(), 04700));
  EXPECT_EQ(04700u, Mode());
  EXPECT_OK(fchmodat(AT_FDCWD, F(), 0600, 0));
  EXPECT_EQ(0600u, Mode());
  EXPECT_OK(chmod(F(), 0177777));
  EXPECT_EQ(07777u, Mode());
}

TEST_F(Attributes, ChmodErrors) {
  EXPECT_ERRNO(chmod(P("missing").c_str(), 0600), ENOENT);
  EXPECT_ERRNO(fchmod(-1, 0600), EBADF);
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(chmod(F(), 0600), EPERM); });
}

TEST_F(Attributes, ChmodByOwnerOutsideTheGroupDropsSetgid) {
  REQUIRE_ROOT();
  ASSERT_OK(chown(F(), kUser, kOtherGroup));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_OK(chmod(F(), 06755));
    EXPECT_EQ(04755u, Mode());
  });
}

TEST_F(Attributes, Fchmodat2) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_OK(syscall(452, AT_FDCWD, F(), 0640, 0));
  EXPECT_EQ(0640u, Mode());
  EXPECT_ERRNO(syscall(452, AT_FDCWD, P("l").c_str(), 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
  EXPECT_ERRNO(syscall(452, AT_FDCWD, F(), 0600, 0x8000), EINVAL);
}

TEST_F(Attributes, ChownByRoot) {
  REQUIRE_ROOT();
  EXPECT_OK(chown(F(), kUser, kGroup));
  EXPECT_EQ(kUser, Stat().st_uid);
  EXPECT_EQ(kGroup, Stat().st_gid);
  EXPECT_OK(chown(F(), -1, kOtherGroup));
  EXPECT_EQ(kUser, Stat().st_uid);
  EXPECT_EQ(kOtherGroup, Stat().st_gid);
  Fd fd(open(F(), O_RDONLY));
  EXPECT_OK(fchown(fd.get(), kOtherUser, -1));
  EXPECT_EQ(kOtherUser, Stat().st_uid);
  EXPECT_OK(fchownat(fd.get(), "", 0, 0, AT_EMPTY_PATH));
  EXPECT_EQ(0u, Stat().st_uid);
}

TEST_F(Attributes, LchownChangesTheLink) {
  REQUIRE_ROOT();
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_OK(lchown(P("l").c_str(), kUser, kGroup));
  EXPECT_EQ(kUser, Stat("l").st_uid);
  EXPECT_EQ(0u, Stat().st_uid);
}

TEST_F(Attributes, ChownByTheOwner) {
  REQUIRE_ROOT();
  ASSERT_OK(chown(F(), kUser, kGroup));
  InChild([&] {
    gid_t extra = kOtherGroup;
    ASSERT_OK(setgroups(1, &extra));
    ASSERT_OK(setresgid(kGroup, kGroup, kGroup));
    ASSERT_OK(setresuid(kUser, kUser, kUser));
    EXPECT_OK(chown(F(), -1, kOtherGroup)) << "to a group of one's own";
    EXPECT_ERRNO(chown(F(), -1, 99), EPERM);
    EXPECT_ERRNO(chown(F(), kOtherUser, -1), EPERM);
    EXPECT_OK(chown(F(), kUser, -1));
  });
}

TEST_F(Attributes, ChownClearsSuidAndSgid) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(F(), 06755));
  EXPECT_OK(chown(F(), kUser, kGroup));
  EXPECT_EQ(0755u, Mode());
  ASSERT_OK(chmod(F(), 06745));
  EXPECT_OK(chown(F(), kUser, -1));
  EXPECT_EQ(02745u, Mode() | 02000) << "without group execute the bit means locking";
  EXPECT_EQ(0u, Mode() & 04000);
}

TEST_F(Attributes, WritingByAUserClearsSuid) {
  REQUIRE_ROOT();
  ASSERT_OK(chown(F(), kUser, kGroup));
  ASSERT_OK(chmod(F(), 06777));
  InChildAs(kOtherUser, kOtherGroup, [&] {
    Fd fd(open(F(), O_WRONLY));
    EXPECT_EQ(1, write(fd.get(), "x", 1));
  });
  EXPECT_EQ(0777u, Mode());
}

TEST_F(Attributes, TruncatingByAUserClearsSuid) {
  REQUIRE_ROOT();
  ASSERT_OK(chown(F(), kUser, kGroup));
  ASSERT_OK(chmod(F(), 04777));
  InChildAs(kOtherUser, kOtherGroup, [&] { EXPECT_OK(truncate(F(), 1)); });
  EXPECT_EQ(0777u, Mode());
}

TEST_F(Attributes, UtimensatSetsBothTimes) {
  timespec times[2] = {{1000, 123456789}, {2000, 987654321}};
  EXPECT_OK(utimensat(AT_FDCWD, F(), times, 0));
  struct stat s = Stat();
  EXPECT_EQ(1000, s.st_atim.tv_sec);
  EXPECT_EQ(123456789, s.st_atim.tv_nsec);
  EXPECT_EQ(2000, s.st_mtim.tv_sec);
  EXPECT_EQ(987654321, s.st_mtim.tv_nsec);
}

TEST_F(Attributes, UtimensatNowAndOmit) {
  timespec times[2] = {{1000, 0}, {2000, 0}};
  ASSERT_OK(utimensat(AT_FDCWD, F(), times, 0));
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  EXPECT_OK(utimensat(AT_FDCWD, F(), times, 0));
  EXPECT_EQ(1000, Stat().st_atim.tv_sec);
  EXPECT_GT(Stat().st_mtim.tv_sec, 1000000000);
  EXPECT_OK(utimensat(AT_FDCWD, F(), nullptr, 0));
  EXPECT_GT(Stat().st_atim.tv_sec, 1000000000);
}

TEST_F(Attributes, UtimensatOfALinkAndOfADescriptor) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  timespec times[2] = {{1000, 0}, {2000, 0}};
  EXPECT_OK(utimensat(AT_FDCWD, P("l").c_str(), times, AT_SYMLINK_NOFOLLOW));
  EXPECT_EQ(2000, Stat("l").st_mtim.tv_sec);
  EXPECT_NE(2000, Stat().st_mtim.tv_sec);
  Fd fd(open(F(), O_RDONLY));
  EXPECT_OK(futimens(fd.get(), times));
  EXPECT_EQ(2000, Stat().st_mtim.tv_sec);
}

TEST_F(Attributes, UtimensatErrors) {
  timespec times[2] = {{0, 1000000000}, {0, 0}};
  EXPECT_ERRNO(utimensat(AT_FDCWD, F(), times, 0), EINVAL);
  EXPECT_ERRNO(utimensat(AT_FDCWD, P("missing").c_str(), nullptr, 0), ENOENT);
  EXPECT_ERRNO(utimensat(AT_FDCWD, F(), nullptr, 0x8000), EINVAL);
  REQUIRE_ROOT();
  ASSERT_OK(chmod(F(), 0666));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_OK(utimensat(AT_FDCWD, F(), nullptr, 0)) << "now: whoever may write";
    timespec fixed[2] = {{1, 0}, {2, 0}};
    EXPECT_ERRNO(utimensat(AT_FDCWD, F(), fixed, 0), EPERM);
  });
  ASSERT_OK(chmod(F(), 0644));
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(utimensat(AT_FDCWD, F(), nullptr, 0), EACCES); });
}

TEST_F(Attributes, WriteUpdatesMtimeAndCtime) {
  struct stat before = Stat();
  Tick();
  Fd fd(open(F(), O_WRONLY));
  EXPECT_EQ(1, write(fd.get(), "x", 1));
  EXPECT_TRUE(Newer(Stat().st_mtim, before.st_mtim));
  EXPECT_TRUE(Newer(Stat().st_ctim, before.st_ctim));
}

TEST_F(Attributes, ChmodUpdatesCtimeOnly) {
  struct stat before = Stat();
  Tick();
  ASSERT_OK(chmod(F(), 0600));
  EXPECT_FALSE(Newer(Stat().st_mtim, before.st_mtim));
  EXPECT_TRUE(Newer(Stat().st_ctim, before.st_ctim));
}

TEST_F(Attributes, LinkAndRenameUpdateCtimeAndTheDirectory) {
  struct stat before = Stat(), directory = Stat("");
  Tick();
  ASSERT_OK(link(F(), P("l").c_str()));
  EXPECT_TRUE(Newer(Stat().st_ctim, before.st_ctim));
  EXPECT_TRUE(Newer(Stat("").st_mtim, directory.st_mtim));
}

TEST_F(Attributes, TruncateToTheSameSizeUpdatesMtimeByPath) {
  struct stat before = Stat();
  Tick();
  ASSERT_OK(truncate(F(), 5));
  EXPECT_TRUE(Newer(Stat().st_mtim, before.st_mtim));
}

TEST_F(Attributes, ReadingUpdatesAnOldAtime) {
  timespec times[2] = {{1000, 0}, {2000, 0}};
  ASSERT_OK(utimensat(AT_FDCWD, F(), times, 0));
  EXPECT_EQ("12345", ReadFile(F()));
  EXPECT_GT(Stat().st_atim.tv_sec, 1000000000) << "relatime: older than mtime";
}

TEST_F(Attributes, BlocksFollowTheContent) {
  Fd fd(open(F(), O_WRONLY));
  std::string data(64 << 10, 'x');
  ASSERT_EQ(static_cast<ssize_t>(data.size()), write(fd.get(), data.data(), data.size()));
  fsync(fd.get());
  EXPECT_GE(Stat().st_blocks * 512, 64 << 10);
}

class Xattr : public Attributes {
 protected:
  void SetUp() override {
    Attributes::SetUp();
    if (setxattr(F(), "user.probe", "x", 1, 0) != 0 && errno == EOPNOTSUPP) GTEST_SKIP() << "no xattrs in /tmp";
    removexattr(F(), "user.probe");
  }
  char buffer_[256] = {};
};

TEST_F(Xattr, SetGetListRemove) {
  EXPECT_OK(setxattr(F(), "user.a", "hello", 5, 0));
  EXPECT_EQ(5, getxattr(F(), "user.a", buffer_, sizeof(buffer_)));
  EXPECT_STREQ("hello", buffer_);
  EXPECT_OK(setxattr(F(), "user.b", "", 0, 0));
  EXPECT_EQ(0, getxattr(F(), "user.b", buffer_, sizeof(buffer_)));
  ssize_t n = listxattr(F(), buffer_, sizeof(buffer_));
  std::string list(buffer_, n < 0 ? 0 : static_cast<size_t>(n));
  EXPECT_NE(std::string::npos, list.find(std::string("user.a\0", 7)));
  EXPECT_NE(std::string::npos, list.find(std::string("user.b\0", 7)));
  EXPECT_OK(removexattr(F(), "user.a"));
  EXPECT_ERRNO(getxattr(F(), "user.a", buffer_, sizeof(buffer_)), ENODATA);
  EXPECT_ERRNO(removexattr(F(), "user.a"), ENODATA);
}

TEST_F(Xattr, SizesAreProbedAndChecked) {
  ASSERT_OK(setxattr(F(), "user.a", "hello", 5, 0));
  EXPECT_EQ(5, getxattr(F(), "user.a", nullptr, 0));
  EXPECT_ERRNO(getxattr(F(), "user.a", buffer_, 4), ERANGE);
  EXPECT_GE(listxattr(F(), nullptr, 0), 7);
  EXPECT_ERRNO(listxattr(F(), buffer_, 3), ERANGE);
}

TEST_F(Xattr, CreateAndReplace) {
  EXPECT_ERRNO(setxattr(F(), "user.a", "1", 1, XATTR_REPLACE), ENODATA);
  EXPECT_OK(setxattr(F(), "user.a", "1", 1, XATTR_CREATE));
  EXPECT_ERRNO(setxattr(F(), "user.a", "2", 1, XATTR_CREATE), EEXIST);
  EXPECT_OK(setxattr(F(), "user.a", "22", 2, XATTR_REPLACE));
  EXPECT_EQ(2, getxattr(F(), "user.a", buffer_, 10));
  EXPECT_ERRNO(setxattr(F(), "user.a", "1", 1, 4), EINVAL);
}

TEST_F(Xattr, NamesAreChecked) {
  EXPECT_ERRNO(setxattr(F(), "", "1", 1, 0), ERANGE);
  EXPECT_ERRNO(setxattr(F(), ("user." + std::string(256, 'x')).c_str(), "1", 1, 0), ERANGE);
  EXPECT_ERRNO(setxattr(F(), "nonsense.a", "1", 1, 0), EOPNOTSUPP);
  EXPECT_ERRNO(setxattr(F(), "user.a", buffer_, 65537, 0), E2BIG);
}

TEST_F(Xattr, UserAttributesNeedARegularFileOrDirectory) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_ERRNO(lsetxattr(P("l").c_str(), "user.a", "1", 1, 0), EPERM);
  ASSERT_OK(mkfifo(P("p").c_str(), 0600));
  EXPECT_ERRNO(setxattr(P("p").c_str(), "user.a", "1", 1, 0), EPERM);
  EXPECT_OK(setxattr(P("").c_str(), "user.a", "1", 1, 0));
}

TEST_F(Xattr, PermissionsFollowTheFile) {
  REQUIRE_ROOT();
  ASSERT_OK(setxattr(F(), "user.a", "1", 1, 0));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_EQ(1, getxattr(F(), "user.a", buffer_, 10));
    EXPECT_ERRNO(setxattr(F(), "user.a", "2", 1, 0), EACCES);
    EXPECT_ERRNO(removexattr(F(), "user.a"), EACCES);
    EXPECT_ERRNO(setxattr(F(), "trusted.a", "2", 1, 0), EPERM);
  });
}

TEST_F(Xattr, ThroughDescriptors) {
  Fd fd(open(F(), O_RDONLY)), path(open(F(), O_PATH));
  EXPECT_OK(fsetxattr(fd.get(), "user.a", "1", 1, 0));
  EXPECT_EQ(1, fgetxattr(fd.get(), "user.a", buffer_, 10));
  EXPECT_ERRNO(fgetxattr(path.get(), "user.a", buffer_, 10), EBADF);
  EXPECT_OK(fremovexattr(fd.get(), "user.a"));
}

TEST(Statfs, DescribesFileSystems) {
  struct statfs s = {};
  ASSERT_OK(statfs("/proc", &s));
  EXPECT_EQ(PROC_SUPER_MAGIC, s.f_type);
  EXPECT_EQ(255, s.f_namelen);
  ASSERT_OK(statfs("/tmp", &s));
  EXPECT_GT(s.f_bsize, 0);
  EXPECT_GT(s.f_blocks, 0u);
  EXPECT_GE(s.f_blocks, s.f_bfree);
  EXPECT_EQ(255, s.f_namelen);
  Fd fd(open("/tmp", O_RDONLY));
  struct statfs t = {};
  ASSERT_OK(fstatfs(fd.get(), &t));
  EXPECT_EQ(s.f_type, t.f_type);
  EXPECT_ERRNO(statfs("/nonexistent", &s), ENOENT);
  EXPECT_ERRNO(fstatfs(-1, &s), EBADF);
}

TEST(Statfs, OfAPipe) {
  Pipe pipe;
  struct statfs s = {};
  ASSERT_OK(fstatfs(pipe.read.get(), &s));
  EXPECT_EQ(0x50495045, s.f_type);
}

}  // namespace
}  // namespace guest
