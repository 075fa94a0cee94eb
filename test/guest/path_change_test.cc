// Making, linking, renaming and removing names.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Names : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "f", "f");
    WriteFile(dir_ / "g", "g");
    ASSERT_OK(mkdir((dir_ / "d").c_str(), 0755));
    ASSERT_OK(mkdir((dir_ / "e").c_str(), 0755));
    WriteFile(dir_ / "e/inner", "inner");
  }
  std::string P(const std::string& name) { return dir_ / name; }
  bool Exists(const std::string& name) { return faccessat(AT_FDCWD, P(name).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0; }
  struct stat Stat(const std::string& name) {
    struct stat s = {};
    EXPECT_OK(lstat(P(name).c_str(), &s));
    return s;
  }
  long Rename(const std::string& from, const std::string& to) { return rename(P(from).c_str(), P(to).c_str()); }
  long Rename2(const std::string& from, const std::string& to, unsigned flags) {
    return syscall(SYS_renameat2, AT_FDCWD, P(from).c_str(), AT_FDCWD, P(to).c_str(), flags);
  }
  ScopedTempDir dir_;
};

TEST_F(Names, MkdirModeAndErrors) {
  EXPECT_OK(mkdir(P("new").c_str(), 01777));
  EXPECT_EQ(01755u, Stat("new").st_mode & 07777);
  EXPECT_ERRNO(mkdir(P("new").c_str(), 0755), EEXIST);
  EXPECT_ERRNO(mkdir(P("f").c_str(), 0755), EEXIST);
  EXPECT_ERRNO(mkdir(P("missing/x").c_str(), 0755), ENOENT);
  EXPECT_ERRNO(mkdir(P("f/x").c_str(), 0755), ENOTDIR);
  EXPECT_ERRNO(mkdir(P("d/.").c_str(), 0755), EEXIST);
  EXPECT_ERRNO(mkdir("/", 0755), EEXIST);
}

TEST_F(Names, DirectoriesCountTheirSubdirectories) {
  struct stat before = Stat("d");
  ASSERT_OK(mkdir(P("d/x").c_str(), 0755));
  EXPECT_EQ(before.st_nlink + 1, Stat("d").st_nlink);
  ASSERT_OK(rmdir(P("d/x").c_str()));
  EXPECT_EQ(before.st_nlink, Stat("d").st_nlink);
  EXPECT_EQ(2u, before.st_nlink);
}

TEST_F(Names, RmdirRules) {
  EXPECT_ERRNO(rmdir(P("e").c_str()), ENOTEMPTY);
  EXPECT_ERRNO(rmdir(P("f").c_str()), ENOTDIR);
  EXPECT_ERRNO(rmdir(P("missing").c_str()), ENOENT);
  EXPECT_ERRNO(rmdir(P("d/.").c_str()), EINVAL);
  EXPECT_ERRNO(rmdir(P("d/..").c_str()), ENOTEMPTY);
  EXPECT_ERRNO(rmdir("/"), EBUSY);
  ASSERT_OK(symlink("d", P("l").c_str()));
  EXPECT_ERRNO(rmdir(P("l").c_str()), ENOTDIR);
  EXPECT_OK(unlinkat(AT_FDCWD, P("d").c_str(), AT_REMOVEDIR));
}

TEST_F(Names, UnlinkRules) {
  EXPECT_ERRNO(unlink(P("d").c_str()), EISDIR);
  EXPECT_ERRNO(unlink(P("missing").c_str()), ENOENT);
  EXPECT_ERRNO(unlinkat(AT_FDCWD, P("f").c_str(), AT_REMOVEDIR), ENOTDIR);
  EXPECT_ERRNO(unlinkat(AT_FDCWD, P("f").c_str(), 0x1), EINVAL);
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_OK(unlink(P("l").c_str()));
  EXPECT_TRUE(Exists("f")) << "the link goes, not its target";
  EXPECT_OK(unlink(P("f").c_str()));
  EXPECT_FALSE(Exists("f"));
}

TEST_F(Names, UnlinkNeedsWriteAndSearchOnTheDirectory) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(P("f").c_str(), 0));
  ASSERT_OK(chmod(dir_.c_str(), 0755));
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(unlink(P("f").c_str()), EACCES); });
  ASSERT_OK(chmod(dir_.c_str(), 0777));
  InChildAs(kUser, kGroup, [&] { EXPECT_OK(unlink(P("f").c_str())); });
}

TEST_F(Names, StickyDirectoryProtectsOthersFiles) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(dir_.c_str(), 01777));
  ASSERT_OK(chown(P("g").c_str(), kUser, kGroup));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(unlink(P("f").c_str()), EPERM);
    EXPECT_ERRNO(Rename("f", "h"), EPERM);
    EXPECT_ERRNO(Rename("g", "f"), EPERM) << "replacing removes";
    EXPECT_ERRNO(rmdir(P("d").c_str()), EPERM);
    EXPECT_OK(unlink(P("g").c_str()));
  });
}

TEST_F(Names, SetgidDirectoryGivesItsGroup) {
  REQUIRE_ROOT();
  ASSERT_OK(chown(P("d").c_str(), 0, kOtherGroup));
  ASSERT_OK(chmod(P("d").c_str(), 02777));
  InChildAs(kUser, kGroup, [&] {
    WriteFile(P("d/x"), "");
    ASSERT_OK(mkdir(P("d/y").c_str(), 0755));
    EXPECT_EQ(kOtherGroup, Stat("d/x").st_gid);
    EXPECT_EQ(kOtherGroup, Stat("d/y").st_gid);
    EXPECT_EQ(02755u, Stat("d/y").st_mode & 07777) << "directories inherit the bit";
    Fd fd(open(P("d/z").c_str(), O_CREAT | O_WRONLY, 02777));
    EXPECT_EQ(0u, Stat("d/z").st_mode & 02000) << "not a member of that group";
  });
}

TEST_F(Names, NewFilesBelongToTheirMaker) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] {
    WriteFile(P("new"), "");
    ASSERT_OK(symlink("x", P("sym").c_str()));
    ASSERT_OK(mkfifo(P("fifo").c_str(), 0600));
    for (const char* name : {"new", "sym", "fifo"}) {
      EXPECT_EQ(kUser, Stat(name).st_uid);
      EXPECT_EQ(kGroup, Stat(name).st_gid);
    }
  });
}

TEST_F(Names, LinkSharesTheInode) {
  ASSERT_OK(link(P("f").c_str(), P("l").c_str()));
  EXPECT_EQ(Stat("f").st_ino, Stat("l").st_ino);
  EXPECT_EQ(2u, Stat("f").st_nlink);
  WriteFile(P("l"), "changed");
  EXPECT_EQ("changed", ReadFile(P("f")));
  ASSERT_OK(unlink(P("f").c_str()));
  EXPECT_EQ(1u, Stat("l").st_nlink);
}

TEST_F(Names, LinkErrors) {
  EXPECT_ERRNO(link(P("f").c_str(), P("g").c_str()), EEXIST);
  EXPECT_ERRNO(link(P("d").c_str(), P("l").c_str()), EPERM);
  EXPECT_ERRNO(link(P("missing").c_str(), P("l").c_str()), ENOENT);
  EXPECT_ERRNO(link(P("f").c_str(), P("missing/l").c_str()), ENOENT);
  EXPECT_ERRNO(link(P("f").c_str(), "/dev/guest.never"), EXDEV);
  EXPECT_ERRNO(linkat(AT_FDCWD, P("f").c_str(), AT_FDCWD, P("l").c_str(), 0x8000), EINVAL);
}

TEST_F(Names, LinkOfALinkIsTheLinkItself) {
  ASSERT_OK(symlink("f", P("s").c_str()));
  ASSERT_OK(link(P("s").c_str(), P("l").c_str()));
  EXPECT_TRUE(S_ISLNK(Stat("l").st_mode));
  ASSERT_OK(linkat(AT_FDCWD, P("s").c_str(), AT_FDCWD, P("m").c_str(), AT_SYMLINK_FOLLOW));
  EXPECT_TRUE(S_ISREG(Stat("m").st_mode));
}

TEST_F(Names, LinkByEmptyPathNeedsCapability) {
  REQUIRE_CAPABILITY(2 /* CAP_DAC_READ_SEARCH */);
  Fd fd(open(P("f").c_str(), O_RDONLY));
  EXPECT_OK(linkat(fd.get(), "", AT_FDCWD, P("l").c_str(), AT_EMPTY_PATH));
  EXPECT_EQ(2u, Stat("f").st_nlink);
}

TEST_F(Names, SymlinkErrors) {
  EXPECT_ERRNO(symlink("x", P("f").c_str()), EEXIST);
  EXPECT_ERRNO(symlink("x", P("missing/l").c_str()), ENOENT);
  EXPECT_ERRNO(symlink("x", P("l/").c_str()), ENOENT);
  ASSERT_OK(symlink("123", P("l").c_str()));
  EXPECT_EQ(3, Stat("l").st_size);
  EXPECT_EQ(0777u, Stat("l").st_mode & 0777);
}

TEST_F(Names, MknodKinds) {
  ASSERT_OK(mknod(P("r").c_str(), S_IFREG | 0600, 0));
  EXPECT_TRUE(S_ISREG(Stat("r").st_mode));
  ASSERT_OK(mknod(P("zero").c_str(), 0600, 0));
  EXPECT_TRUE(S_ISREG(Stat("zero").st_mode)) << "no type means a regular file";
  ASSERT_OK(mknod(P("p").c_str(), S_IFIFO | 0600, 0));
  EXPECT_TRUE(S_ISFIFO(Stat("p").st_mode));
  ASSERT_OK(mknod(P("s").c_str(), S_IFSOCK | 0600, 0));
  EXPECT_TRUE(S_ISSOCK(Stat("s").st_mode));
  EXPECT_ERRNO(mknod(P("x").c_str(), S_IFDIR | 0600, 0), EPERM);
  EXPECT_ERRNO(mknod(P("x").c_str(), S_IFLNK | 0600, 0), EINVAL);
  EXPECT_ERRNO(mknod(P("f").c_str(), S_IFIFO | 0600, 0), EEXIST);
}

TEST_F(Names, DeviceNodesNeedPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(mknod(P("c").c_str(), S_IFCHR | 0600, makedev(1, 3)), EPERM);
    EXPECT_ERRNO(mknod(P("b").c_str(), S_IFBLK | 0600, makedev(7, 0)), EPERM);
  });
}

TEST_F(Names, RenameMovesAndReplaces) {
  ino_t inode = Stat("f").st_ino;
  EXPECT_OK(Rename("f", "d/moved"));
  EXPECT_FALSE(Exists("f"));
  EXPECT_EQ(inode, Stat("d/moved").st_ino);
  EXPECT_OK(Rename("d/moved", "g"));
  EXPECT_EQ("f", ReadFile(P("g")));
}

TEST_F(Names, RenameReplacesAnOpenFile) {
  Fd fd(open(P("g").c_str(), O_RDONLY));
  EXPECT_OK(Rename("f", "g"));
  EXPECT_EQ("g", ReadAll(fd.get()));
  EXPECT_EQ("f", ReadFile(P("g")));
}

TEST_F(Names, RenameOfTheSameInodeDoesNothing) {
  ASSERT_OK(link(P("f").c_str(), P("l").c_str()));
  EXPECT_OK(Rename("f", "l"));
  EXPECT_TRUE(Exists("f"));
  EXPECT_TRUE(Exists("l"));
  EXPECT_OK(Rename("f", "f"));
}

TEST_F(Names, RenameOfDirectories) {
  EXPECT_ERRNO(Rename("f", "d"), EISDIR);
  EXPECT_ERRNO(Rename("d", "f"), ENOTDIR);
  EXPECT_ERRNO(Rename("d", "e"), ENOTEMPTY);
  EXPECT_ERRNO(Rename("d", "d/inside"), EINVAL);
  EXPECT_ERRNO(Rename("e/inner", "e/inner/x"), ENOTDIR);
  EXPECT_OK(Rename("e", "d"));
  EXPECT_EQ("inner", ReadFile(P("d/inner")));
}

TEST_F(Names, RenameErrors) {
  EXPECT_ERRNO(Rename("missing", "x"), ENOENT);
  EXPECT_ERRNO(Rename("f", "missing/x"), ENOENT);
  EXPECT_ERRNO(rename(P("f").c_str(), "/proc/x"), EXDEV);
  EXPECT_ERRNO(Rename("d/.", "x"), EBUSY);
  EXPECT_ERRNO(Rename("f", "d/.."), EBUSY);
}

TEST_F(Names, RenameOfALinkMovesTheLink) {
  ASSERT_OK(symlink("f", P("l").c_str()));
  EXPECT_OK(Rename("l", "m"));
  EXPECT_TRUE(S_ISLNK(Stat("m").st_mode));
  EXPECT_OK(Rename("f", "m"));
  EXPECT_TRUE(S_ISREG(Stat("m").st_mode));
}

TEST_F(Names, RenameNoreplace) {
  EXPECT_ERRNO(Rename2("f", "g", RENAME_NOREPLACE), EEXIST);
  EXPECT_OK(Rename2("f", "h", RENAME_NOREPLACE));
  EXPECT_TRUE(Exists("h"));
}

TEST_F(Names, RenameExchange) {
  EXPECT_OK(Rename2("f", "d", RENAME_EXCHANGE));
  EXPECT_TRUE(S_ISDIR(Stat("f").st_mode));
  EXPECT_EQ("f", ReadFile(P("d")));
  EXPECT_ERRNO(Rename2("f", "missing", RENAME_EXCHANGE), ENOENT);
}

TEST_F(Names, RenameFlagsAreChecked) {
  EXPECT_ERRNO(Rename2("f", "g", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
  EXPECT_ERRNO(Rename2("f", "g", 0x80), EINVAL);
}

TEST_F(Names, RenameNeedsPermissionOnBothDirectories) {
  REQUIRE_ROOT();
  ASSERT_OK(chmod(P("d").c_str(), 0755));
  ASSERT_OK(chmod(P("e").c_str(), 0777));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(Rename("e/inner", "d/x"), EACCES);
    EXPECT_OK(Rename("e/inner", "e/x"));
  });
}

TEST_F(Names, DirectoryMovedChangesParentLinkCounts) {
  ASSERT_OK(mkdir(P("d/sub").c_str(), 0755));
  nlink_t d = Stat("d").st_nlink, e = Stat("e").st_nlink;
  ASSERT_OK(Rename("d/sub", "e/sub"));
  EXPECT_EQ(d - 1, Stat("d").st_nlink);
  EXPECT_EQ(e + 1, Stat("e").st_nlink);
  InChild([&] {
    ASSERT_OK(chdir(P("e/sub").c_str()));
    EXPECT_OK(access("../inner", F_OK)) << "dot dot follows the move";
  });
}

TEST_F(Names, RacingRenamesKeepOneName) {
  auto flip = [&](const char* a, const char* b) {
    for (int i = 0; i < 300; ++i) {
      Rename(a, b);
      Rename(b, a);
    }
  };
  ASSERT_OK(unlink(P("g").c_str()));
  Child one([&] { flip("f", "g"); }), two([&] { flip("f", "h"); });
  one.ExpectSuccess();
  two.ExpectSuccess();
  EXPECT_EQ(1, Exists("f") + Exists("g") + Exists("h"));
}

TEST_F(Names, ExclusiveCreationHasOneWinner) {
  std::vector<std::unique_ptr<Child>> children;
  Pipe winners;
  for (int i = 0; i < 8; ++i) {
    children.push_back(std::make_unique<Child>([&] {
      Fd fd(open(P("lock").c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600));
      if (fd.valid()) {
        EXPECT_EQ(1, write(winners.write.get(), "w", 1));
      }
    }));
  }
  for (auto& child : children) child->ExpectSuccess();
  winners.write.Reset();
  EXPECT_EQ("w", ReadAll(winners.read.get()));
}

TEST_F(Names, DeepDirectories) {
  InChild([&] {
    ASSERT_OK(chdir(dir_.c_str()));
    std::string name(50, 'n');
    for (int i = 0; i < 100; ++i) {
      ASSERT_OK(mkdir(name.c_str(), 0755));
      ASSERT_OK(chdir(name.c_str()));
    }
    char cwd[8192];
    EXPECT_ERRNO(syscall(SYS_getcwd, cwd, 4096), ENAMETOOLONG);
    for (int i = 0; i < 100; ++i) {
      ASSERT_OK(chdir(".."));
      ASSERT_OK(rmdir(name.c_str()));
    }
  });
}

}  // namespace
}  // namespace guest
