// mount, umount2 and the basics of namespaces, each in a mount namespace of its own. They need root.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

// Runs `body` in a child with a private mount namespace.
void InMountNamespace(const Body& body) {
  InChild([&] {
    ASSERT_OK(unshare(CLONE_NEWNS));
    ASSERT_OK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    body();
  });
}

class Mounts : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_ROOT();
    REQUIRE_CAPABILITY(CAP_SYS_ADMIN);
    ASSERT_OK(mkdir(P("m").c_str(), 0755));
    ASSERT_OK(mkdir(P("s").c_str(), 0755));
    WriteFile(P("s/f"), "source");
  }
  std::string P(const std::string& name) { return dir_ / name; }
  long Mount(const char* type, const std::string& target, unsigned long flags = 0, const char* data = nullptr) {
    return mount(type, P(target).c_str(), type, flags, data);
  }
  long Bind(const std::string& from, const std::string& to, unsigned long flags = 0) {
    return mount(P(from).c_str(), P(to).c_str(), nullptr, MS_BIND | flags, nullptr);
  }
  ScopedTempDir dir_;
};

TEST_F(Mounts, LinksOfProcReadAsPathsInAnotherNamespace) {
  Fd file(open(P("s/f").c_str(), O_RDONLY));
  ASSERT_TRUE(file.valid());
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  const auto read = [](const std::string& name) {
    char target[4096];
    const ssize_t length = readlink(name.c_str(), target, sizeof(target));
    return std::string(target, length < 0 ? 0 : static_cast<std::size_t>(length));
  };
  const std::string program = read("/proc/self/exe");
  InMountNamespace([&] {
    EXPECT_EQ(program, read("/proc/self/exe"));
    EXPECT_EQ(P("s/f"), read(link));
  });
}

TEST_F(Mounts, TmpfsIsEmptyAndWritable) {
  WriteFile(P("m/below"), "");
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m"));
    EXPECT_ERRNO(access(P("m/below").c_str(), F_OK), ENOENT);
    WriteFile(P("m/f"), "x");
    struct statfs s;
    ASSERT_OK(statfs(P("m").c_str(), &s));
    EXPECT_EQ(TMPFS_MAGIC, s.f_type);
    ASSERT_OK(umount(P("m").c_str()));
    EXPECT_OK(access(P("m/below").c_str(), F_OK));
  });
}

TEST_F(Mounts, TmpfsOptions) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m", 0, "size=64k,mode=0700,uid=1234,gid=2345"));
    struct stat s;
    ASSERT_OK(stat(P("m").c_str(), &s));
    EXPECT_EQ(0700u, s.st_mode & 07777);
    EXPECT_EQ(1234u, s.st_uid);
    EXPECT_EQ(2345u, s.st_gid);
    Fd fd(open(P("m/f").c_str(), O_CREAT | O_WRONLY, 0600));
    std::string data(100 << 10, 'x');
    EXPECT_EQ(64 << 10, write(fd.get(), data.data(), data.size()));
    EXPECT_ERRNO(write(fd.get(), "x", 1), ENOSPC);
    EXPECT_ERRNO(Mount("tmpfs", "m", 0, "nonsense=1"), EINVAL);
  });
}

TEST_F(Mounts, ChangesStayInTheNamespace) {
  InMountNamespace([&] { ASSERT_OK(Mount("tmpfs", "m")); });
  struct statfs above, below;
  ASSERT_OK(statfs(P("m").c_str(), &below));
  ASSERT_OK(statfs(P("").c_str(), &above));
  EXPECT_EQ(0, memcmp(&above.f_fsid, &below.f_fsid, sizeof(above.f_fsid)));
}

TEST_F(Mounts, BindShowsTheSameFiles) {
  InMountNamespace([&] {
    ASSERT_OK(Bind("s", "m"));
    EXPECT_EQ("source", ReadFile(P("m/f")));
    WriteFile(P("m/new"), "n");
    EXPECT_EQ("n", ReadFile(P("s/new")));
    struct stat a, b;
    stat(P("s/f").c_str(), &a);
    stat(P("m/f").c_str(), &b);
    EXPECT_EQ(a.st_ino, b.st_ino);
    EXPECT_ERRNO(rename(P("s/f").c_str(), P("m/g").c_str()), EXDEV) << "mounts are boundaries even so";
    EXPECT_ERRNO(link(P("s/f").c_str(), P("m/g").c_str()), EXDEV);
  });
}

TEST_F(Mounts, BindOfAFile) {
  WriteFile(P("t"), "target");
  InMountNamespace([&] {
    ASSERT_OK(Bind("s/f", "t"));
    EXPECT_EQ("source", ReadFile(P("t")));
    EXPECT_ERRNO(unlink(P("t").c_str()), EBUSY);
    EXPECT_ERRNO(Bind("s", "t"), ENOTDIR);
    EXPECT_ERRNO(Bind("t", "m"), ENOTDIR);
  });
}

TEST_F(Mounts, RecursiveBindTakesSubmounts) {
  ASSERT_OK(mkdir(P("s/sub").c_str(), 0755));
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "s/sub"));
    WriteFile(P("s/sub/x"), "");
    ASSERT_OK(Bind("s", "m"));
    EXPECT_ERRNO(access(P("m/sub/x").c_str(), F_OK), ENOENT);
    ASSERT_OK(umount(P("m").c_str()));
    ASSERT_OK(Bind("s", "m", MS_REC));
    EXPECT_OK(access(P("m/sub/x").c_str(), F_OK));
  });
}

TEST_F(Mounts, ReadOnlyRemountOfABind) {
  InMountNamespace([&] {
    ASSERT_OK(Bind("s", "m"));
    ASSERT_OK(mount(nullptr, P("m").c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
    EXPECT_ERRNO(open(P("m/f").c_str(), O_WRONLY), EROFS);
    EXPECT_ERRNO(open(P("m/new").c_str(), O_CREAT | O_WRONLY, 0600), EROFS);
    EXPECT_ERRNO(mkdir(P("m/d").c_str(), 0755), EROFS);
    EXPECT_ERRNO(unlink(P("m/f").c_str()), EROFS);
    EXPECT_ERRNO(chmod(P("m/f").c_str(), 0600), EROFS);
    EXPECT_ERRNO(truncate(P("m/f").c_str(), 0), EROFS);
    EXPECT_ERRNO(access(P("m/f").c_str(), W_OK), EROFS);
    EXPECT_ERRNO(utimensat(AT_FDCWD, P("m/f").c_str(), nullptr, 0), EROFS);
    WriteFile(P("s/f"), "still writable there");
  });
}

TEST_F(Mounts, NoexecRefusesExecution) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m", MS_NOEXEC));
    WriteFile(P("m/x"), "#!/bin/sh\n", 0755);
    EXPECT_ERRNO(execl(P("m/x").c_str(), "x", nullptr), EACCES);
    EXPECT_ERRNO(access(P("m/x").c_str(), X_OK), EACCES);
  });
}

TEST_F(Mounts, NodevRefusesDevices) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m", MS_NODEV));
    if (mknod(P("m/null").c_str(), S_IFCHR | 0666, 0x103) != 0) return;
    EXPECT_ERRNO(open(P("m/null").c_str(), O_RDWR), EACCES);
  });
}

TEST_F(Mounts, ProcInASecondPlace) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("proc", "m"));
    EXPECT_EQ(std::to_string(getpid()), [&] {
      char buffer[16] = {};
      EXPECT_OK(readlink(P("m/self").c_str(), buffer, 15));
      return std::string(buffer);
    }());
  });
}

TEST_F(Mounts, StackedMountsUncoverOneByOne) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m"));
    WriteFile(P("m/first"), "");
    ASSERT_OK(Mount("tmpfs", "m"));
    EXPECT_ERRNO(access(P("m/first").c_str(), F_OK), ENOENT);
    ASSERT_OK(umount(P("m").c_str()));
    EXPECT_OK(access(P("m/first").c_str(), F_OK));
  });
}

TEST_F(Mounts, BusyAndLazyUnmount) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m"));
    WriteFile(P("m/f"), "kept");
    Fd fd(open(P("m/f").c_str(), O_RDONLY));
    EXPECT_ERRNO(umount(P("m").c_str()), EBUSY);
    EXPECT_OK(umount2(P("m").c_str(), MNT_DETACH));
    EXPECT_ERRNO(access(P("m/f").c_str(), F_OK), ENOENT);
    EXPECT_EQ("kept", ReadAll(fd.get()));
  });
}

TEST_F(Mounts, DotdotLeavesAMount) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m"));
    EXPECT_OK(access(P("m/../s/f").c_str(), F_OK));
    ASSERT_OK(chdir(P("m").c_str()));
    EXPECT_OK(access("../s/f", F_OK));
  });
}

TEST_F(Mounts, MountpointIsBusy) {
  InMountNamespace([&] {
    ASSERT_OK(Mount("tmpfs", "m"));
    EXPECT_ERRNO(rmdir(P("m").c_str()), EBUSY);
    EXPECT_ERRNO(rename(P("m").c_str(), P("n").c_str()), EBUSY);
  });
}

TEST_F(Mounts, Errors) {
  InMountNamespace([&] {
    EXPECT_ERRNO(Mount("nosuchfs", "m"), ENODEV);
    EXPECT_ERRNO(Mount("tmpfs", "missing"), ENOENT);
    EXPECT_ERRNO(Mount("tmpfs", "s/f"), ENOTDIR);
    EXPECT_ERRNO(umount(P("m").c_str()), EINVAL);
    EXPECT_ERRNO(umount(P("missing").c_str()), ENOENT);
    EXPECT_ERRNO(umount2(P("m").c_str(), 0x1000), EINVAL);
    EXPECT_ERRNO(mount(nullptr, P("m").c_str(), nullptr, MS_REMOUNT, nullptr), EINVAL);
    EXPECT_ERRNO(Bind("missing", "m"), ENOENT);
  });
}

TEST_F(Mounts, NeedPrivilege) {
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(Mount("tmpfs", "m"), EPERM);
    EXPECT_ERRNO(umount("/proc"), EPERM);
    EXPECT_ERRNO(unshare(CLONE_NEWNS), EPERM);
  });
}

TEST_F(Mounts, AppearInMountinfo) {
  InMountNamespace([&] {
    ASSERT_OK(mount("name of source", P("m").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m"));
    std::string text = ReadFile("/proc/self/mountinfo");
    size_t at = text.find(" " + P("m") + " ");
    ASSERT_NE(std::string::npos, at);
    std::string line = text.substr(at, text.find('\n', at) - at);
    EXPECT_NE(std::string::npos, line.find("nosuid"));
    EXPECT_NE(std::string::npos, line.find("nodev"));
    EXPECT_NE(std::string::npos, line.find(" - tmpfs name\\040of\\040source ")) << line;
  });
}

class Namespaces : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_ROOT();
    REQUIRE_CAPABILITY(CAP_SYS_ADMIN);
  }
  static std::string Name(const char* kind) {
    char target[64] = {};
    EXPECT_OK(readlink((std::string("/proc/self/ns/") + kind).c_str(), target, 63));
    return target;
  }
  static std::string Hostname() {
    utsname name;
    uname(&name);
    return name.nodename;
  }
};

TEST_F(Namespaces, UtsIsolatesTheHostname) {
  std::string before = Hostname();
  InChild([&] {
    std::string old = Name("uts");
    ASSERT_OK(unshare(CLONE_NEWUTS));
    EXPECT_NE(old, Name("uts"));
    EXPECT_EQ(before, Hostname()) << "copied at first";
    ASSERT_OK(sethostname("inner", 5));
    ASSERT_OK(setdomainname("example", 7));
    EXPECT_EQ("inner", Hostname());
    EXPECT_ERRNO(sethostname("x", 65), EINVAL);
    EXPECT_EQ("inner\n", ReadFile("/proc/sys/kernel/hostname"));
  });
  EXPECT_EQ(before, Hostname());
}

TEST_F(Namespaces, IpcHasItsOwnObjects) {
  constexpr key_t kKey = 0x6e657749;
  const int outside = semget(kKey, 1, IPC_CREAT | IPC_EXCL | 0600);
  ASSERT_OK(outside);
  InChild([&] {
    sembuf raise = {0, 5, SEM_UNDO};
    ASSERT_OK(semop(outside, &raise, 1));
    std::string old = Name("ipc");
    ASSERT_OK(unshare(CLONE_NEWIPC));
    EXPECT_NE(old, Name("ipc"));
    EXPECT_ERRNO(semget(kKey, 1, 0), ENOENT);
    EXPECT_ERRNO(semctl(outside, 0, GETVAL), EINVAL);
    const int inside = semget(kKey, 1, IPC_CREAT | IPC_EXCL | 0600);
    ASSERT_OK(inside);
    InChild([&] {
      EXPECT_EQ(inside, semget(kKey, 1, 0)) << "children have the new one";
      ASSERT_OK(semctl(inside, 0, IPC_RMID));
    });
  });
  EXPECT_EQ(0, semctl(outside, 0, GETVAL)) << "whoever left took its adjustments back";
  EXPECT_OK(semctl(outside, 0, IPC_RMID));
}

TEST_F(Namespaces, SetnsEntersAnother) {
  Event ready;
  Child other([&] {
    ASSERT_OK(unshare(CLONE_NEWUTS));
    ASSERT_OK(sethostname("other", 5));
    ready.Set();
    pause();
  });
  ready.Wait();
  InChild([&] {
    Fd fd(open(("/proc/" + std::to_string(other.pid()) + "/ns/uts").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(fd.valid());
    EXPECT_ERRNO(setns(fd.get(), CLONE_NEWIPC), EINVAL) << "the kind must match";
    ASSERT_OK(setns(fd.get(), CLONE_NEWUTS));
    EXPECT_EQ("other", Hostname());
    Fd null(open("/dev/null", O_RDONLY));
    EXPECT_ERRNO(setns(null.get(), 0), EINVAL);
    EXPECT_ERRNO(setns(-1, 0), EBADF);
  });
}

TEST_F(Namespaces, PidNamespaceStartsAtOne) {
  InChild([] {
    clone_args args = {};
    args.flags = CLONE_NEWPID;
    args.exit_signal = SIGCHLD;
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    ASSERT_OK(pid);
    if (pid == 0) _exit(getpid() == 1 && getppid() == 0 ? 0 : 1);
    int status = -1;
    EXPECT_EQ(pid, waitpid(static_cast<pid_t>(pid), &status, 0));
    EXPECT_EQ(0, status);
  });
}

TEST_F(Namespaces, PidNamespaceEndsWithItsInit) {
  InChild([] {
    Pipe pipe;
    ASSERT_OK(unshare(CLONE_NEWPID));
    Child init([&] {
      if (fork() == 0) {
        for (;;) pause();
      }
      pipe.read.Reset();
      EXPECT_EQ(1, write(pipe.write.get(), "x", 1));
    });
    init.ExpectSuccess();
    pipe.write.Reset();
    EXPECT_EQ("x", ReadAll(pipe.read.get())) << "ends only when the grandchild is dead, too";
    EXPECT_ERRNO(fork(), ENOMEM) << "nobody can be born without an init";
  });
}

TEST_F(Namespaces, UnshareRefusesUnknownFlags) { EXPECT_ERRNO(unshare(0x1), EINVAL); }

TEST_F(Namespaces, UnshareFilesAndFs) {
  InChild([] {
    EXPECT_OK(unshare(CLONE_FILES));
    EXPECT_OK(unshare(CLONE_FS));
    EXPECT_OK(unshare(0));
  });
}

}  // namespace
}  // namespace guest
