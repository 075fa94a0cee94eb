// Path resolution: components, links, the current directory, the root, permission to search.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Paths : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "f", "x");
    ASSERT_OK(mkdir((dir_ / "d").c_str(), 0755));
    ASSERT_OK(mkdir((dir_ / "d/e").c_str(), 0755));
    WriteFile(dir_ / "d/g", "y");
  }
  std::string P(const std::string& name) { return dir_ / name; }
  long Access(const std::string& name) { return access(P(name).c_str(), F_OK); }
  long Link(const std::string& target, const std::string& name) { return symlink(target.c_str(), P(name).c_str()); }
  ScopedTempDir dir_;
};

TEST_F(Paths, EmptyPathIsEnoent) {
  struct stat s;
  EXPECT_ERRNO(access("", F_OK), ENOENT);
  EXPECT_ERRNO(open("", O_RDONLY), ENOENT);
  EXPECT_ERRNO(stat("", &s), ENOENT);
  EXPECT_ERRNO(mkdir("", 0755), ENOENT);
  EXPECT_ERRNO(unlink(""), ENOENT);
  EXPECT_ERRNO(chdir(""), ENOENT);
}

TEST_F(Paths, DotsAndRepeatedSlashes) {
  EXPECT_OK(Access("./f"));
  EXPECT_OK(Access("d/../f"));
  EXPECT_OK(Access("d//e/..///../f"));
  EXPECT_OK(Access("d/."));
  EXPECT_OK(access("/../../..//tmp", F_OK)) << "the parent of the root is the root";
}

TEST_F(Paths, DotdotNeedsTheDirectoryToExist) { EXPECT_ERRNO(Access("missing/../f"), ENOENT); }

TEST_F(Paths, FileAsDirectoryIsEnotdir) {
  EXPECT_ERRNO(Access("f/x"), ENOTDIR);
  EXPECT_ERRNO(Access("f/.."), ENOTDIR);
  EXPECT_ERRNO(Access("f/."), ENOTDIR);
}

TEST_F(Paths, TrailingSlashMeansDirectory) {
  EXPECT_OK(Access("d/"));
  EXPECT_ERRNO(Access("f/"), ENOTDIR);
  EXPECT_ERRNO(open(P("f/").c_str(), O_RDONLY), ENOTDIR);
  EXPECT_ERRNO(open(P("new/").c_str(), O_CREAT | O_WRONLY, 0600), EISDIR);
  EXPECT_ERRNO(unlink(P("f/").c_str()), ENOTDIR);
  EXPECT_OK(mkdir(P("h/").c_str(), 0755));
  EXPECT_OK(rmdir(P("h/").c_str()));
  EXPECT_ERRNO(rename(P("f").c_str(), P("k/").c_str()), ENOTDIR);
  EXPECT_OK(rename(P("d/").c_str(), P("k/").c_str()));
}

TEST_F(Paths, TrailingSlashFollowsALink) {
  ASSERT_OK(Link("d", "l"));
  struct stat s;
  EXPECT_OK(lstat(P("l").c_str(), &s));
  EXPECT_TRUE(S_ISLNK(s.st_mode));
  EXPECT_OK(lstat(P("l/").c_str(), &s));
  EXPECT_TRUE(S_ISDIR(s.st_mode));
}

TEST_F(Paths, LinksAreFollowedAbsoluteAndRelative) {
  ASSERT_OK(Link("d/g", "relative"));
  ASSERT_OK(Link(P("d/g"), "absolute"));
  ASSERT_OK(Link("../f", "d/up"));
  EXPECT_EQ("y", ReadFile(P("relative")));
  EXPECT_EQ("y", ReadFile(P("absolute")));
  EXPECT_EQ("x", ReadFile(P("d/up")));
}

TEST_F(Paths, LinkInTheMiddle) {
  ASSERT_OK(Link("d", "l"));
  EXPECT_EQ("y", ReadFile(P("l/g")));
  EXPECT_EQ("x", ReadFile(P("l/../f")));
}

TEST_F(Paths, LoopIsEloop) {
  ASSERT_OK(Link("b", "a"));
  ASSERT_OK(Link("a", "b"));
  EXPECT_ERRNO(Access("a"), ELOOP);
  EXPECT_ERRNO(open(P("a").c_str(), O_RDONLY), ELOOP);
  EXPECT_ERRNO(Access("a/x"), ELOOP);
  struct stat s;
  EXPECT_OK(lstat(P("a").c_str(), &s));
}

TEST_F(Paths, FortyLinksAreFollowedFortyOneAreNot) {
  ASSERT_OK(Link("f", "l0"));
  for (int i = 1; i <= 40; ++i) ASSERT_OK(Link("l" + std::to_string(i - 1), "l" + std::to_string(i)));
  EXPECT_OK(Access("l39"));
  EXPECT_ERRNO(Access("l40"), ELOOP);
}

TEST_F(Paths, DanglingLinkIsEnoent) {
  ASSERT_OK(Link("nowhere", "l"));
  EXPECT_ERRNO(Access("l"), ENOENT);
  EXPECT_ERRNO(mkdir(P("l").c_str(), 0755), EEXIST) << "creation does not follow";
}

TEST_F(Paths, EmptyLinkTargetIsEnoent) { EXPECT_ERRNO(Link("", "l"), ENOENT); }

TEST_F(Paths, LongestNameAndPath) {
  std::string longest(NAME_MAX, 'n');
  WriteFile(P(longest), "z");
  EXPECT_OK(Access(longest));
  EXPECT_ERRNO(Access(longest + "n"), ENAMETOOLONG);
  EXPECT_ERRNO(mkdir(P(longest + "n").c_str(), 0755), ENAMETOOLONG);
  std::string path = P("");
  while (path.size() < PATH_MAX - 2) path += "./";
  path.resize(PATH_MAX - 2);
  EXPECT_OK(access((path + "/").c_str(), F_OK)) << "4095 characters";
  EXPECT_ERRNO(access((path + "//").c_str(), F_OK), ENAMETOOLONG);
}

TEST_F(Paths, LinkTargetLength) {
  std::string target(PATH_MAX - 1, 't');
  EXPECT_ERRNO(Link(target + "t", "l"), ENAMETOOLONG);
}

TEST_F(Paths, ReadlinkTruncatesSilently) {
  ASSERT_OK(Link("target", "l"));
  char buffer[16] = {};
  EXPECT_EQ(3, readlink(P("l").c_str(), buffer, 3));
  EXPECT_STREQ("tar", buffer);
  EXPECT_EQ(6, readlink(P("l").c_str(), buffer, 16));
  EXPECT_ERRNO(readlink(P("l").c_str(), buffer, 0), EINVAL);
  EXPECT_ERRNO(readlink(P("f").c_str(), buffer, 16), EINVAL);
  EXPECT_ERRNO(readlink(P("missing").c_str(), buffer, 16), ENOENT);
}

TEST_F(Paths, NamesAreBytes) {
  for (const char* name : {"sp ace", "new\nline", "\xff\xfe", "ünï", "-", "...", "~", "a\\b"}) {
    WriteFile(P(name), name);
    EXPECT_EQ(name, ReadFile(P(name)));
  }
}

TEST_F(Paths, CwdFollowsChdirAndFchdir) {
  InChild([&] {
    char cwd[PATH_MAX];
    ASSERT_OK(chdir(P("d").c_str()));
    EXPECT_EQ(P("d"), getcwd(cwd, sizeof(cwd)));
    EXPECT_OK(access("g", F_OK));
    Fd fd(open("e", O_PATH | O_DIRECTORY));
    ASSERT_OK(fchdir(fd.get()));
    EXPECT_EQ(P("d/e"), getcwd(cwd, sizeof(cwd)));
    ASSERT_OK(chdir(".."));
    EXPECT_EQ(P("d"), getcwd(cwd, sizeof(cwd)));
    EXPECT_ERRNO(chdir("g"), ENOTDIR);
    Fd file(open("g", O_RDONLY));
    EXPECT_ERRNO(fchdir(file.get()), ENOTDIR);
    EXPECT_ERRNO(fchdir(-1), EBADF);
  });
}

TEST_F(Paths, CwdIsThePhysicalPath) {
  InChild([&] {
    char cwd[PATH_MAX];
    ASSERT_OK(Link("d", "l"));
    ASSERT_OK(chdir(P("l").c_str()));
    EXPECT_EQ(P("d"), getcwd(cwd, sizeof(cwd)));
  });
}

TEST_F(Paths, GetcwdSizes) {
  InChild([&] {
    ASSERT_OK(chdir("/tmp"));
    char cwd[16];
    EXPECT_EQ(5, syscall(SYS_getcwd, cwd, 5));
    EXPECT_ERRNO(syscall(SYS_getcwd, cwd, 4), ERANGE);
    EXPECT_ERRNO(syscall(SYS_getcwd, cwd, 0), ERANGE);
    ASSERT_OK(chdir("/"));
    EXPECT_EQ(2, syscall(SYS_getcwd, cwd, 2));
    EXPECT_STREQ("/", cwd);
  });
}

TEST_F(Paths, CwdMovesWithARename) {
  InChild([&] {
    ASSERT_OK(chdir(P("d/e").c_str()));
    ASSERT_OK(rename(P("d").c_str(), P("moved").c_str()));
    char cwd[PATH_MAX];
    EXPECT_EQ(P("moved/e"), getcwd(cwd, sizeof(cwd)));
  });
}

TEST_F(Paths, RemovedCwd) {
  InChild([&] {
    ASSERT_OK(chdir(P("d/e").c_str()));
    ASSERT_OK(rmdir(P("d/e").c_str()));
    char cwd[PATH_MAX];
    EXPECT_ERRNO(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENOENT);
    EXPECT_ERRNO(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
    EXPECT_ERRNO(mkdir("new", 0755), ENOENT);
    EXPECT_OK(access(".", F_OK));
    EXPECT_OK(access("../g", F_OK));
    EXPECT_EQ(P("d/e") + " (deleted)", [] {
      char target[PATH_MAX] = {};
      EXPECT_OK(readlink("/proc/self/cwd", target, sizeof(target) - 1));
      return std::string(target);
    }());
  });
}

TEST_F(Paths, DescriptorPathFollowsRename) {
  Fd fd(open(P("f").c_str(), O_RDONLY));
  ASSERT_OK(rename(P("f").c_str(), P("d/renamed").c_str()));
  char target[PATH_MAX] = {};
  std::string name = "/proc/self/fd/" + std::to_string(fd.get());
  EXPECT_OK(readlink(name.c_str(), target, sizeof(target) - 1));
  EXPECT_EQ(P("d/renamed"), target);
  ASSERT_OK(unlink(P("d/renamed").c_str()));
  memset(target, 0, sizeof(target));
  EXPECT_OK(readlink(name.c_str(), target, sizeof(target) - 1));
  EXPECT_EQ(P("d/renamed") + " (deleted)", target);
}

TEST_F(Paths, ChrootConfinesAbsolutePathsAndDotdot) {
  REQUIRE_CAPABILITY(18 /* CAP_SYS_CHROOT */);
  InChild([&] {
    ASSERT_OK(Link("/f", "d/abs"));
    WriteFile(P("d/f"), "inside");
    ASSERT_OK(chroot(P("d").c_str()));
    ASSERT_OK(chdir("/"));
    EXPECT_EQ("inside", ReadFile("/f"));
    EXPECT_EQ("inside", ReadFile("/../../f"));
    EXPECT_EQ("inside", ReadFile("abs"));
    char cwd[PATH_MAX];
    EXPECT_STREQ("/", getcwd(cwd, sizeof(cwd)));
    EXPECT_ERRNO(access("/tmp", F_OK), ENOENT);
  });
}

TEST_F(Paths, ChrootKeepsTheCurrentDirectory) {
  REQUIRE_CAPABILITY(18 /* CAP_SYS_CHROOT */);
  InChild([&] {
    ASSERT_OK(chdir(dir_.c_str()));
    ASSERT_OK(chroot("d"));
    EXPECT_EQ("x", ReadFile("f"));
    char cwd[PATH_MAX];
    EXPECT_GT(syscall(SYS_getcwd, cwd, sizeof(cwd)), 0);
    EXPECT_EQ(0u, std::string(cwd).find("(unreachable)"));
    EXPECT_ERRNO(chroot("f"), ENOTDIR);
    EXPECT_ERRNO(chroot("missing"), ENOENT);
  });
}

TEST_F(Paths, ChrootIsPerProcess) {
  REQUIRE_CAPABILITY(18 /* CAP_SYS_CHROOT */);
  InChild([&] { ASSERT_OK(chroot(P("d").c_str())); });
  EXPECT_OK(access("/tmp", F_OK));
}

TEST_F(Paths, SearchPermissionIsNeededOnEveryDirectory) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(P("d").c_str(), 0644));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(Access("d/g"), EACCES);
    EXPECT_ERRNO(Access("d/missing"), EACCES);
    EXPECT_ERRNO(Access("d/e/.."), EACCES);
    EXPECT_OK(Access("d"));
    EXPECT_ERRNO(chdir(P("d").c_str()), EACCES);
    EXPECT_TRUE(Fd(open(P("d").c_str(), O_RDONLY)).valid()) << "listing needs read permission only";
  });
  ASSERT_OK(chmod(P("d").c_str(), 0711));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_OK(Access("d/g"));
    EXPECT_ERRNO(open(P("d").c_str(), O_RDONLY), EACCES);
  });
}

TEST_F(Paths, AccessUsesTheRealIds) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(P("f").c_str(), 0600));
  InChild([&] {
    ASSERT_OK(setresuid(kUser, 0, 0));
    EXPECT_ERRNO(access(P("f").c_str(), R_OK), EACCES);
    EXPECT_OK(faccessat(AT_FDCWD, P("f").c_str(), R_OK, AT_EACCESS));
    EXPECT_TRUE(Fd(open(P("f").c_str(), O_RDONLY)).valid());
  });
}

TEST_F(Paths, AccessModesAndFlags) {
  EXPECT_ERRNO(access(P("f").c_str(), 8), EINVAL);
  EXPECT_ERRNO(syscall(439, AT_FDCWD, P("f").c_str(), 0, 0x8000), EINVAL);
  EXPECT_ERRNO(access(P("f").c_str(), X_OK), EACCES) << "even root needs one execute bit";
  EXPECT_OK(access(P("d").c_str(), R_OK | W_OK | X_OK));
  ASSERT_OK(Link("missing", "l"));
  EXPECT_OK(syscall(439, AT_FDCWD, P("l").c_str(), F_OK, AT_SYMLINK_NOFOLLOW));
  Fd fd(open(P("f").c_str(), O_PATH));
  EXPECT_OK(syscall(439, fd.get(), "", R_OK, AT_EMPTY_PATH));
}

TEST_F(Paths, RelativeToDescriptorOfRemovedDirectory) {
  Fd fd(open(P("d/e").c_str(), O_PATH | O_DIRECTORY));
  ASSERT_OK(rmdir(P("d/e").c_str()));
  EXPECT_ERRNO(openat(fd.get(), "x", O_CREAT | O_WRONLY, 0600), ENOENT);
  EXPECT_ERRNO(openat(fd.get(), "x", O_RDONLY), ENOENT);
  EXPECT_OK(faccessat(fd.get(), "../g", F_OK, 0));
}

}  // namespace
}  // namespace guest
