// open, openat, openat2: flags and what they promise; descriptors: dup, fcntl, close_range.
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override { WriteFile(dir_ / "f", "content"); }
  int Open(const std::string& name, int flags, mode_t mode = 0644) { return open((dir_ / name).c_str(), flags, mode); }
  ScopedTempDir dir_;
};

long OpenAt2(int dir, const char* path, open_how how, size_t size = sizeof(open_how)) {
  return syscall(SYS_openat2, dir, path, &how, size);
}

TEST_F(Files, LowestDescriptorIsUsed) {
  int a = Open("f", O_RDONLY), b = Open("f", O_RDONLY);
  EXPECT_LT(a, b);
  close(a);
  Fd again(Open("f", O_RDONLY));
  EXPECT_EQ(a, again.get());
  close(b);
}

TEST_F(Files, MissingFileIsEnoent) { EXPECT_ERRNO(Open("missing", O_RDONLY), ENOENT); }

TEST_F(Files, CreatIsOpenForWriting) {
  Fd fd(creat((dir_ / "f").c_str(), 0600));
  EXPECT_EQ(0, lseek(fd.get(), 0, SEEK_END)) << "truncated";
  char c;
  EXPECT_ERRNO(read(fd.get(), &c, 1), EBADF);
}

TEST_F(Files, ExclRefusesExistingAndLinks) {
  EXPECT_ERRNO(Open("f", O_CREAT | O_EXCL | O_WRONLY), EEXIST);
  ASSERT_OK(symlink("nowhere", (dir_ / "l").c_str()));
  EXPECT_ERRNO(Open("l", O_CREAT | O_EXCL | O_WRONLY), EEXIST);
  Fd fd(Open("new", O_CREAT | O_EXCL | O_WRONLY));
  EXPECT_TRUE(fd.valid());
}

TEST_F(Files, CreateThroughADanglingLinkCreatesTheTarget) {
  ASSERT_OK(symlink("target", (dir_ / "l").c_str()));
  Fd fd(Open("l", O_CREAT | O_WRONLY));
  EXPECT_TRUE(fd.valid());
  EXPECT_OK(access((dir_ / "target").c_str(), F_OK));
}

TEST_F(Files, CreateAppliesUmaskAndKeepsSpecialBits) {
  Fd fd(Open("new", O_CREAT | O_RDWR, 07666));
  struct stat s;
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_EQ(07644u, s.st_mode & 07777);
}

TEST_F(Files, CreateReadOnlyStillWritesThroughThisDescriptor) {
  Fd fd(Open("ro", O_CREAT | O_RDWR, 0400));
  EXPECT_EQ(1, write(fd.get(), "x", 1));
}

TEST_F(Files, TruncEmptiesTheFile) {
  Fd fd(Open("f", O_WRONLY | O_TRUNC));
  EXPECT_EQ(0, lseek(fd.get(), 0, SEEK_END));
}

TEST_F(Files, AppendAlwaysWritesAtTheEnd) {
  Fd fd(Open("f", O_RDWR | O_APPEND));
  lseek(fd.get(), 0, SEEK_SET);
  EXPECT_EQ(1, write(fd.get(), "!", 1));
  EXPECT_EQ(8, lseek(fd.get(), 0, SEEK_CUR));
  EXPECT_EQ(1, pwrite(fd.get(), "?", 1, 0)) << "pwrite appends too";
  EXPECT_EQ("content!?", ReadFile(dir_ / "f"));
}

TEST_F(Files, DirectoryOpensReadOnlyOnly) {
  EXPECT_ERRNO(open(dir_.c_str(), O_WRONLY), EISDIR);
  EXPECT_ERRNO(open(dir_.c_str(), O_RDWR), EISDIR);
  EXPECT_ERRNO(open(dir_.c_str(), O_CREAT | O_RDONLY, 0600), EISDIR);
  Fd fd(open(dir_.c_str(), O_RDONLY));
  char c;
  EXPECT_ERRNO(read(fd.get(), &c, 1), EISDIR);
  EXPECT_ERRNO(write(fd.get(), &c, 1), EBADF);
}

TEST_F(Files, DirectoryFlagRefusesAFile) { EXPECT_ERRNO(Open("f", O_RDONLY | O_DIRECTORY), ENOTDIR); }

TEST_F(Files, NofollowRefusesALink) {
  ASSERT_OK(symlink("f", (dir_ / "l").c_str()));
  EXPECT_ERRNO(Open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
  Fd fd(Open("f", O_RDONLY | O_NOFOLLOW));
  EXPECT_TRUE(fd.valid());
}

TEST_F(Files, CreateAndDirectoryTogetherAreEinval) {
  EXPECT_ERRNO(Open("x", O_CREAT | O_DIRECTORY | O_RDONLY), EINVAL);
  EXPECT_ERRNO(access((dir_ / "x").c_str(), F_OK), ENOENT);
}

TEST_F(Files, CloexecIsSetAtOpen) {
  Fd with(Open("f", O_RDONLY | O_CLOEXEC)), without(Open("f", O_RDONLY));
  EXPECT_EQ(FD_CLOEXEC, fcntl(with.get(), F_GETFD));
  EXPECT_EQ(0, fcntl(without.get(), F_GETFD));
}

TEST_F(Files, GetflShowsAccessModeAndStatusFlags) {
  Fd fd(Open("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC));
  EXPECT_EQ(O_WRONLY | O_APPEND | O_NONBLOCK, fcntl(fd.get(), F_GETFL) & ~0100000);
}

TEST_F(Files, SetflChangesOnlyStatusFlags) {
  Fd fd(Open("f", O_RDWR));
  EXPECT_OK(fcntl(fd.get(), F_SETFL, O_WRONLY | O_APPEND | O_CREAT));
  EXPECT_EQ(O_RDWR | O_APPEND, fcntl(fd.get(), F_GETFL) & ~0100000);
  EXPECT_OK(fcntl(fd.get(), F_SETFL, 0));
  EXPECT_EQ(O_RDWR, fcntl(fd.get(), F_GETFL) & ~0100000);
}

TEST_F(Files, AccessModeThreeGivesNeither) {
  Fd fd(Open("f", 3));
  ASSERT_TRUE(fd.valid());
  char c;
  EXPECT_ERRNO(read(fd.get(), &c, 1), EBADF);
  EXPECT_ERRNO(write(fd.get(), &c, 1), EBADF);
}

TEST_F(Files, AccessModeIsEnforced) {
  Fd ro(Open("f", O_RDONLY)), wo(Open("f", O_WRONLY));
  char c = 'x';
  EXPECT_ERRNO(write(ro.get(), &c, 1), EBADF);
  EXPECT_ERRNO(read(wo.get(), &c, 1), EBADF);
  EXPECT_ERRNO(ftruncate(ro.get(), 0), EINVAL);
}

TEST_F(Files, TmpfileHasNoNameUntilLinked) {
  Fd fd(open(dir_.c_str(), O_TMPFILE | O_RDWR, 0600));
  ASSERT_TRUE(fd.valid()) << ErrnoText(errno);
  EXPECT_EQ(2, write(fd.get(), "hi", 2));
  struct stat s;
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_EQ(0u, s.st_nlink);
  std::string name = "/proc/self/fd/" + std::to_string(fd.get());
  ASSERT_OK(linkat(AT_FDCWD, name.c_str(), AT_FDCWD, (dir_ / "linked").c_str(), AT_SYMLINK_FOLLOW));
  EXPECT_EQ("hi", ReadFile(dir_ / "linked"));
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_EQ(1u, s.st_nlink);
}

TEST_F(Files, TmpfileWithExclCannotBeLinked) {
  Fd fd(open(dir_.c_str(), O_TMPFILE | O_RDWR | O_EXCL, 0600));
  ASSERT_TRUE(fd.valid());
  std::string name = "/proc/self/fd/" + std::to_string(fd.get());
  EXPECT_ERRNO(linkat(AT_FDCWD, name.c_str(), AT_FDCWD, (dir_ / "linked").c_str(), AT_SYMLINK_FOLLOW), ENOENT);
}

TEST_F(Files, TmpfileNeedsWritingAndADirectory) {
  EXPECT_ERRNO(open(dir_.c_str(), O_TMPFILE | O_RDONLY, 0600), EINVAL);
  EXPECT_ERRNO(Open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}

TEST_F(Files, PathDescriptorOnlyNames) {
  Fd fd(Open("f", O_PATH));
  char c;
  EXPECT_ERRNO(read(fd.get(), &c, 1), EBADF);
  EXPECT_ERRNO(write(fd.get(), &c, 1), EBADF);
  EXPECT_ERRNO(lseek(fd.get(), 0, SEEK_SET), EBADF);
  EXPECT_ERRNO(fchmod(fd.get(), 0600), EBADF);
  EXPECT_ERRNO(ftruncate(fd.get(), 0), EBADF);
  EXPECT_ERRNO(fsync(fd.get()), EBADF);
  struct stat s;
  EXPECT_OK(fstat(fd.get(), &s));
  EXPECT_EQ(O_PATH, fcntl(fd.get(), F_GETFL) & O_PATH);
}

TEST_F(Files, PathDescriptorNeedsNoPermission) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod((dir_ / "f").c_str(), 0));
  InChildAs(kUser, kGroup, [&] {
    Fd fd(Open("f", O_PATH));
    EXPECT_TRUE(fd.valid());
    EXPECT_ERRNO(Open("f", O_RDONLY), EACCES);
  });
}

TEST_F(Files, PathDescriptorOfALinkWithNofollow) {
  ASSERT_OK(symlink("nowhere", (dir_ / "l").c_str()));
  Fd fd(Open("l", O_PATH | O_NOFOLLOW));
  ASSERT_TRUE(fd.valid());
  char target[16] = {};
  EXPECT_EQ(7, readlinkat(fd.get(), "", target, sizeof(target)));
  struct stat s;
  EXPECT_OK(fstat(fd.get(), &s));
  EXPECT_TRUE(S_ISLNK(s.st_mode));
}

TEST_F(Files, PathDescriptorReopensThroughProc) {
  Fd path(Open("f", O_PATH));
  Fd fd(open(("/proc/self/fd/" + std::to_string(path.get())).c_str(), O_RDONLY));
  EXPECT_EQ("content", ReadAll(fd.get()));
}

TEST_F(Files, OpenRelativeToDescriptor) {
  Fd dir(open(dir_.c_str(), O_RDONLY | O_DIRECTORY));
  Fd fd(openat(dir.get(), "f", O_RDONLY));
  EXPECT_TRUE(fd.valid());
  EXPECT_ERRNO(openat(fd.get(), "f", O_RDONLY), ENOTDIR);
  EXPECT_ERRNO(openat(-1, "f", O_RDONLY), EBADF);
  Fd absolute(openat(-1, (dir_ / "f").c_str(), O_RDONLY));
  EXPECT_TRUE(absolute.valid()) << "an absolute path needs no directory";
}

TEST_F(Files, DeviceWithoutDriverIsEnxio) {
  REQUIRE_CAPABILITY(27 /* CAP_MKNOD */);
  // No driver answers to character device 4095:1.
  if (mknod((dir_ / "d").c_str(), S_IFCHR | 0666, makedev(4095, 1)) != 0) GTEST_SKIP() << "no device nodes here";
  int fd = Open("d", O_RDONLY);
  EXPECT_TRUE(fd == -1 && (errno == ENXIO || errno == EACCES)) << ErrnoText(errno);
}

TEST_F(Files, SocketFileIsEnxio) {
  ASSERT_OK(mknod((dir_ / "s").c_str(), S_IFSOCK | 0600, 0));
  EXPECT_ERRNO(Open("s", O_RDONLY), ENXIO);
}

TEST_F(Files, NoatimeNeedsOwnership) {
  REQUIRE_ROOT();
  Fd fd(Open("f", O_RDONLY | O_NOATIME));
  EXPECT_TRUE(fd.valid());
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(Open("f", O_RDONLY | O_NOATIME), EPERM); });
}

TEST_F(Files, PermissionBitsDecideByClass) {
  REQUIRE_ROOT();
  ASSERT_OK(chown((dir_ / "f").c_str(), kUser, kGroup));
  ASSERT_OK(chmod((dir_ / "f").c_str(), 0246));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(Open("f", O_RDONLY), EACCES) << "the owner's bits count, though others may read";
    EXPECT_OK(Open("f", O_WRONLY));
  });
  InChildAs(kOtherUser, kGroup, [&] {
    EXPECT_OK(Open("f", O_RDONLY));
    EXPECT_ERRNO(Open("f", O_WRONLY), EACCES);
  });
  InChildAs(kOtherUser, kOtherGroup, [&] { EXPECT_OK(Open("f", O_RDWR)); });
}

TEST_F(Files, OpenedDescriptorOutlivesThePermission) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod((dir_ / "f").c_str(), 0644));
  InChildAs(kUser, kGroup, [&] {
    Fd fd(Open("f", O_RDONLY));
    char c;
    EXPECT_EQ(1, read(fd.get(), &c, 1));
  });
}

TEST_F(Files, OpenAt2ChecksItsStructure) {
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/", {}, 8), EINVAL);
  open_how how = {};
  how.flags = uint64_t{1} << 40;
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/", how), EINVAL);
  how.flags = O_RDONLY;
  how.mode = 0600;
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/", how), EINVAL) << "a mode without creation";
  how.mode = 0;
  how.resolve = 0x8000;
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/", how), EINVAL);
  struct {
    open_how how;
    uint64_t more;
  } big = {};
  EXPECT_EQ(0, Fd(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, "/", &big, sizeof(big)))).valid() ? 0 : 1);
  big.more = 1;
  EXPECT_ERRNO(syscall(SYS_openat2, AT_FDCWD, "/", &big, sizeof(big)), E2BIG);
}

TEST_F(Files, OpenAt2Beneath) {
  Fd dir(open(dir_.c_str(), O_PATH));
  ASSERT_OK(symlink("/tmp", (dir_ / "out").c_str()));
  ASSERT_OK(mkdir((dir_ / "d").c_str(), 0755));
  open_how how = {};
  how.resolve = RESOLVE_BENEATH;
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(dir.get(), "f", how))).valid());
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(dir.get(), "d/../f", how))).valid());
  EXPECT_ERRNO(OpenAt2(dir.get(), "..", how), EXDEV);
  EXPECT_ERRNO(OpenAt2(dir.get(), "/tmp", how), EXDEV);
  EXPECT_ERRNO(OpenAt2(dir.get(), "out", how), EXDEV);
}

TEST_F(Files, OpenAt2InRoot) {
  Fd dir(open(dir_.c_str(), O_PATH));
  ASSERT_OK(symlink("/f", (dir_ / "l").c_str()));
  open_how how = {};
  how.resolve = RESOLVE_IN_ROOT;
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(dir.get(), "l", how))).valid());
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(dir.get(), "../../f", how))).valid());
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(dir.get(), "/f", how))).valid());
}

TEST_F(Files, OpenAt2NoSymlinksAndMagicLinks) {
  ASSERT_OK(symlink("f", (dir_ / "l").c_str()));
  open_how how = {};
  how.resolve = RESOLVE_NO_SYMLINKS;
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, (dir_ / "l").c_str(), how), ELOOP);
  how.resolve = RESOLVE_NO_MAGICLINKS;
  EXPECT_TRUE(Fd(static_cast<int>(OpenAt2(AT_FDCWD, (dir_ / "l").c_str(), how))).valid());
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/proc/self/exe", how), ELOOP);
}

TEST_F(Files, OpenAt2NoCrossingOfMounts) {
  open_how how = {};
  how.resolve = RESOLVE_NO_XDEV;
  EXPECT_ERRNO(OpenAt2(AT_FDCWD, "/proc/self", how), EXDEV);
}

TEST_F(Files, DupSharesOffsetNotCloexec) {
  Fd a(Open("f", O_RDONLY | O_CLOEXEC)), b(dup(a.get()));
  EXPECT_EQ(0, fcntl(b.get(), F_GETFD));
  lseek(a.get(), 3, SEEK_SET);
  EXPECT_EQ(3, lseek(b.get(), 0, SEEK_CUR));
  EXPECT_OK(fcntl(a.get(), F_SETFL, O_NONBLOCK));
  EXPECT_TRUE(fcntl(b.get(), F_GETFL) & O_NONBLOCK);
}

TEST_F(Files, Dup2ReplacesAndSelfIsANoOp) {
  Fd a(Open("f", O_RDONLY)), b(open("/dev/null", O_RDONLY));
  EXPECT_EQ(b.get(), dup2(a.get(), b.get()));
  struct stat sa, sb;
  fstat(a.get(), &sa);
  fstat(b.get(), &sb);
  EXPECT_EQ(sa.st_ino, sb.st_ino);
  EXPECT_EQ(a.get(), dup2(a.get(), a.get()));
  EXPECT_ERRNO(dup2(-1, b.get()), EBADF);
  EXPECT_TRUE(IsOpen(b.get())) << "a failed dup2 closes nothing";
  EXPECT_ERRNO(dup2(999, 999), EBADF);
  EXPECT_ERRNO(dup2(a.get(), -1), EBADF);
}

TEST_F(Files, Dup3ChecksFlagsAndSelf) {
  Fd a(Open("f", O_RDONLY));
  EXPECT_ERRNO(dup3(a.get(), a.get(), 0), EINVAL);
  EXPECT_ERRNO(dup3(a.get(), 100, O_APPEND), EINVAL);
  Fd b(dup3(a.get(), 100, O_CLOEXEC));
  EXPECT_EQ(100, b.get());
  EXPECT_EQ(FD_CLOEXEC, fcntl(100, F_GETFD));
}

TEST_F(Files, FcntlDupfdStartsAtTheArgument) {
  Fd a(Open("f", O_RDONLY));
  Fd b(fcntl(a.get(), F_DUPFD, 200)), c(fcntl(a.get(), F_DUPFD_CLOEXEC, 200));
  EXPECT_EQ(200, b.get());
  EXPECT_EQ(201, c.get());
  EXPECT_EQ(FD_CLOEXEC, fcntl(c.get(), F_GETFD));
  EXPECT_ERRNO(fcntl(a.get(), F_DUPFD, -1), EINVAL);
  EXPECT_ERRNO(fcntl(a.get(), 9999, 0), EINVAL);
  EXPECT_ERRNO(fcntl(-1, F_GETFD), EBADF);
}

TEST_F(Files, CloseTwiceIsEbadf) {
  int fd = Open("f", O_RDONLY);
  EXPECT_OK(close(fd));
  EXPECT_ERRNO(close(fd), EBADF);
  EXPECT_ERRNO(close(-1), EBADF);
}

TEST_F(Files, CloseRangeClosesOrMarks) {
  InChild([&] {
    int a = dup2(0, 300), b = dup2(0, 301), c = dup2(0, 302);
    EXPECT_OK(syscall(SYS_close_range, a, b, 0));
    EXPECT_FALSE(IsOpen(a));
    EXPECT_FALSE(IsOpen(b));
    EXPECT_TRUE(IsOpen(c));
    EXPECT_OK(syscall(SYS_close_range, c, ~0u, CLOSE_RANGE_CLOEXEC));
    EXPECT_EQ(FD_CLOEXEC, fcntl(c, F_GETFD));
    EXPECT_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
    EXPECT_ERRNO(syscall(SYS_close_range, 300, 301, 8), EINVAL);
    EXPECT_OK(syscall(SYS_close_range, 300, ~0u, CLOSE_RANGE_UNSHARE));
    EXPECT_FALSE(IsOpen(c));
  });
}

TEST_F(Files, KcmpTellsSharedDescriptions) {
  Fd a(Open("f", O_RDONLY)), b(dup(a.get())), c(Open("f", O_RDONLY));
  long same = syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, a.get(), b.get());
  if (same == -1 && errno == ENOSYS) GTEST_SKIP() << "no kcmp";
  EXPECT_EQ(0, same);
  EXPECT_NE(0, syscall(SYS_kcmp, getpid(), getpid(), 0, a.get(), c.get()));
}

}  // namespace
}  // namespace guest
