// User namespaces (user_namespaces(7)), as an ordinary user makes them, and what counts inside.
#include "test/guest/support/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

long WriteTo(const std::string& path, const std::string& text) {
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() ? write(fd.get(), text.data(), text.size()) : -1;
}

std::string Own(const std::string& name) { return "/proc/self/" + name; }

class UserNamespaces : public UserNamespaceTest {
 protected:
  // An ordinary user's own namespace, in which it is root.
  static void BecomeRootInside(int more = 0) {
    ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));  // or the files of /proc are not the user's
    ASSERT_OK(unshare(CLONE_NEWUSER | more));
    ASSERT_OK(WriteTo(Own("setgroups"), "deny"));
    ASSERT_OK(WriteTo(Own("uid_map"), "0 " + std::to_string(kUser) + " 1"));
    ASSERT_OK(WriteTo(Own("gid_map"), "0 " + std::to_string(kGroup) + " 1\n"));
  }
};

TEST_F(UserNamespaces, UnmappedIdsAreShownAs65534) {
  InChildAs(kUser, kGroup, [] {
    ASSERT_OK(unshare(CLONE_NEWUSER));
    EXPECT_EQ(65534u, getuid());
    EXPECT_EQ(65534u, getegid());
    EXPECT_EQ("", ReadFile(Own("uid_map")));
    EXPECT_EQ("allow\n", ReadFile(Own("setgroups")));
    struct stat file = {};
    ASSERT_OK(stat("/", &file));
    EXPECT_EQ(65534u, file.st_uid);
  });
}

TEST_F(UserNamespaces, TheMakerHasAllCapabilitiesInside) {
  InChildAs(kUser, kGroup, [] {
    EXPECT_FALSE(HasCapability(CAP_SYS_ADMIN));
    BecomeRootInside();
    EXPECT_TRUE(HasCapability(CAP_SYS_ADMIN));
    EXPECT_TRUE(HasCapability(CAP_SETUID));
    EXPECT_EQ(0u, getuid());
    EXPECT_EQ(0u, getgid());
    EXPECT_EQ("         0       1234          1\n", ReadFile(Own("uid_map")));
    EXPECT_EQ("         0       2345          1\n", ReadFile(Own("gid_map")));
    EXPECT_EQ("deny\n", ReadFile(Own("setgroups")));
    const std::string status = ReadFile(Own("status"));
    EXPECT_NE(std::string::npos, status.find("\nUid:\t0\t0\t0\t0\n")) << status;
  });
}

GUEST_ROLE(userns_root) { return getuid() == 0 && geteuid() == 0 && HasCapability(CAP_SYS_ADMIN) ? 0 : 1; }

TEST_F(UserNamespaces, RootInsideKeepsItsCapabilitiesOverExecve) {
  InChildAs(kUser, kGroup, [] {
    BecomeRootInside();
    EXPECT_EQ(0, WEXITSTATUS(StatusOf([] { ExecRole("userns_root"); })));
  });
}

TEST_F(UserNamespaces, WhatBelongsToTheOutsideStaysClosed) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "x");
  ASSERT_OK(chmod(dir.path().c_str(), 0755));
  ASSERT_OK(chmod((dir / "f").c_str(), 0600));
  InChildAs(kUser, kGroup, [&] {
    BecomeRootInside();
    EXPECT_ERRNO(open((dir / "f").c_str(), O_RDONLY), EACCES);
    EXPECT_ERRNO(chown((dir / "f").c_str(), 0, 0), EPERM);
    EXPECT_ERRNO(chmod((dir / "f").c_str(), 0666), EPERM);
    EXPECT_ERRNO(sethostname("x", 1), EPERM);
    EXPECT_ERRNO(mount("none", "/tmp", "tmpfs", 0, nullptr), EPERM);
    EXPECT_ERRNO(kill(getppid(), 0), EPERM);
    EXPECT_ERRNO(setuid(1), EINVAL) << "not mapped";
    const gid_t groups[] = {0};
    EXPECT_ERRNO(setgroups(1, groups), EPERM);
  });
}

TEST_F(UserNamespaces, FilesAreMadeWithTheIdsOutside) {
  ScopedTempDir dir;
  ASSERT_OK(chmod(dir.path().c_str(), 0777));
  InChildAs(kUser, kGroup, [&] {
    BecomeRootInside();
    WriteFile(dir / "f", "x");
    struct stat file = {};
    ASSERT_OK(stat((dir / "f").c_str(), &file));
    EXPECT_EQ(0u, file.st_uid);
    EXPECT_EQ(0u, file.st_gid);
    EXPECT_OK(chown((dir / "f").c_str(), 0, 0));
    EXPECT_ERRNO(chown((dir / "f").c_str(), 5, 0), EINVAL);
    EXPECT_OK(chmod((dir / "f").c_str(), 0));
    EXPECT_TRUE(Fd(open((dir / "f").c_str(), O_RDONLY)).valid()) << "CAP_DAC_OVERRIDE over own files";
  });
  struct stat file = {};
  ASSERT_OK(stat((dir / "f").c_str(), &file));
  EXPECT_EQ(kUser, file.st_uid);
  EXPECT_EQ(kGroup, file.st_gid);
}

TEST_F(UserNamespaces, OwnNamespacesCanBeChanged) {
  InChildAs(kUser, kGroup, [] {
    EXPECT_ERRNO(unshare(CLONE_NEWUTS), EPERM);
    BecomeRootInside(CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID);
    EXPECT_OK(sethostname("inner", 5));
    EXPECT_OK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    EXPECT_OK(mount("none", "/tmp", "tmpfs", 0, "mode=777"));
    WriteFile("/tmp/here", "x");
    EXPECT_EQ("x", ReadFile("/tmp/here"));
    EXPECT_OK(umount("/tmp"));
    InChild([] { EXPECT_EQ(1, getpid()); });
  });
}

TEST_F(UserNamespaces, InheritedMountsCannotBeTakenApart) {
  InChildAs(kUser, kGroup, [] {
    ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    EXPECT_ERRNO(umount2("/proc", MNT_DETACH), EINVAL);
    EXPECT_ERRNO(mount("/", "/tmp", nullptr, MS_BIND, nullptr), EINVAL) << "would show what /proc covers";
    EXPECT_OK(mount("/", "/tmp", nullptr, MS_BIND | MS_REC, nullptr));
  });
}

TEST_F(UserNamespaces, CloneMakesThemToo) {
  InChildAs(kUser, kGroup, [] {
    clone_args args = {};
    args.flags = CLONE_NEWUSER | CLONE_NEWPID;
    args.exit_signal = SIGCHLD;
    const long pid = syscall(SYS_clone3, &args, sizeof(args));
    ASSERT_OK(pid);
    if (pid == 0) _exit(getpid() == 1 && getuid() == 65534 && HasCapability(CAP_SYS_ADMIN) ? 0 : 1);
    int status = -1;
    EXPECT_EQ(pid, waitpid(static_cast<pid_t>(pid), &status, 0));
    EXPECT_EQ(0, status);
    EXPECT_FALSE(HasCapability(CAP_SYS_ADMIN));
    args.flags = CLONE_NEWUSER | CLONE_FS;
    EXPECT_ERRNO(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
  });
}

TEST_F(UserNamespaces, MapsAreChecked) {
  InChildAs(kUser, kGroup, [] {
    ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
    ASSERT_OK(unshare(CLONE_NEWUSER));
    const std::string own = std::to_string(kUser);
    for (const char* bad :
         {"", "0", "0 1", "a b c", "0 1234 0", "0 1234 1 1", "0 1234 1\n0 1235 1", "0 1234 4294967295"})
      EXPECT_ERRNO(WriteTo(Own("uid_map"), *bad != '\0' ? bad : "\n"), EINVAL) << bad;
    EXPECT_ERRNO(WriteTo(Own("uid_map"), "0 1 1"), EPERM) << "somebody else's";
    EXPECT_ERRNO(WriteTo(Own("uid_map"), "0 1234 2"), EPERM);
    EXPECT_ERRNO(WriteTo(Own("gid_map"), "0 2345 1"), EPERM) << "setgroups is still allowed";
    EXPECT_OK(WriteTo(Own("setgroups"), "deny\n"));
    EXPECT_ERRNO(WriteTo(Own("setgroups"), "allow"), EPERM);
    EXPECT_ERRNO(WriteTo(Own("setgroups"), "maybe"), EINVAL);
    EXPECT_OK(WriteTo(Own("gid_map"), "7 2345 1"));
    EXPECT_OK(WriteTo(Own("uid_map"), "5 " + own + " 1"));
    EXPECT_EQ(5u, getuid());
    EXPECT_EQ(7u, getgid());
    EXPECT_ERRNO(WriteTo(Own("uid_map"), "5 " + own + " 1"), EPERM) << "once";
  });
}

TEST_F(UserNamespaces, RootOfTheParentMayMapAnything) {
  InChild([] {
    Event ready, mapped;
    Child inside([&] {
      ASSERT_OK(unshare(CLONE_NEWUSER));
      ready.Set();
      mapped.Wait();
      EXPECT_EQ(0u, getuid());
      const gid_t groups[] = {3, 4};
      EXPECT_OK(setgroups(2, groups));
      EXPECT_ERRNO(setgroups(1, std::initializer_list<gid_t>{999}.begin()), EINVAL);
      EXPECT_OK(setresuid(5, 6, 7));
      EXPECT_EQ(6u, geteuid());
    });
    ready.Wait();
    const std::string directory = "/proc/" + std::to_string(inside.pid()) + "/";
    EXPECT_OK(WriteTo(directory + "uid_map", "0 0 1\n1 100001 99\n"));
    EXPECT_OK(WriteTo(directory + "gid_map", "0 0 1\n1 100001 99\n"));
    EXPECT_EQ("         0          0          1\n         1     100001         99\n", ReadFile(directory + "uid_map"));
    mapped.Set();
    inside.ExpectSuccess();
  });
}

TEST_F(UserNamespaces, NeedASingleThread) {
  InChild([] { std::thread([] { EXPECT_ERRNO(unshare(CLONE_NEWUSER), EINVAL); }).join(); });
}

TEST_F(UserNamespaces, NestAndEnterEachOther) {
  InChildAs(kUser, kGroup, [] {
    BecomeRootInside();
    Event ready;
    Child nested([&] {
      ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
      ASSERT_OK(sethostname("nested", 6));
      ready.Set();
      pause();
    });
    ready.Wait();
    const std::string directory = "/proc/" + std::to_string(nested.pid()) + "/ns/";
    Fd users(open((directory + "user").c_str(), O_RDONLY | O_CLOEXEC));
    Fd names(open((directory + "uts").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(users.valid() && names.valid());
    InChild([&] {
      ASSERT_OK(setns(users.get(), CLONE_NEWUSER));
      EXPECT_ERRNO(setns(users.get(), CLONE_NEWUSER), EINVAL) << "is there already";
      ASSERT_OK(setns(names.get(), 0));
      utsname name;
      uname(&name);
      EXPECT_STREQ("nested", name.nodename);
      Fd parent(open("/proc/1/ns/user", O_RDONLY));
      EXPECT_TRUE(!parent.valid() || setns(parent.get(), CLONE_NEWUSER) == -1);
    });
  });
}

TEST_F(UserNamespaces, PidfdsNameTheNamespacesOfAProcess) {
  InChild([] {
    Event ready;
    Child other([&] {
      ASSERT_OK(unshare(CLONE_NEWUTS | CLONE_NEWNS));
      ASSERT_OK(sethostname("other", 5));
      ready.Set();
      pause();
    });
    ready.Wait();
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, other.pid(), 0)));
    ASSERT_TRUE(pidfd.valid());
    EXPECT_ERRNO(setns(pidfd.get(), 0), EINVAL);
    EXPECT_ERRNO(setns(pidfd.get(), 1), EINVAL);
    ASSERT_OK(setns(pidfd.get(), CLONE_NEWUTS | CLONE_NEWNS));
    utsname name;
    uname(&name);
    EXPECT_STREQ("other", name.nodename);
  });
}

TEST_F(UserNamespaces, CanBeAskedAboutTheirRelations) {
  InChild([] {
    Fd own(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
    ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
    Fd fresh(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
    Fd names(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(CLONE_NEWUSER, ioctl(fresh.get(), NS_GET_NSTYPE));
    EXPECT_EQ(CLONE_NEWUTS, ioctl(names.get(), NS_GET_NSTYPE));
    Fd owner(ioctl(names.get(), NS_GET_USERNS));
    ASSERT_TRUE(owner.valid());
    struct stat a = {}, b = {};
    ASSERT_OK(fstat(owner.get(), &a));
    ASSERT_OK(fstat(fresh.get(), &b));
    EXPECT_EQ(b.st_ino, a.st_ino);
    EXPECT_ERRNO(ioctl(fresh.get(), NS_GET_PARENT), EPERM) << "lies outside";
    EXPECT_ERRNO(ioctl(names.get(), NS_GET_PARENT), EINVAL);
    uid_t uid = 0;
    EXPECT_OK(ioctl(own.get(), NS_GET_OWNER_UID, &uid));
    EXPECT_EQ(65534u, uid);
    EXPECT_ERRNO(ioctl(names.get(), NS_GET_OWNER_UID, &uid), EINVAL);
    EXPECT_ERRNO(ioctl(names.get(), 0xb7ff), ENOTTY);
  });
}

}  // namespace
}  // namespace guest
