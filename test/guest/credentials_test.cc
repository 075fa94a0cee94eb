// User and group ids, capabilities, securebits, no_new_privs.
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

using Ids = std::array<uid_t, 3>;

Ids Uids() {
  Ids ids;
  EXPECT_OK(getresuid(&ids[0], &ids[1], &ids[2]));
  return ids;
}

Ids Gids() {
  Ids ids;
  EXPECT_OK(getresgid(&ids[0], &ids[1], &ids[2]));
  return ids;
}

struct Caps {
  uint64_t effective = 0, permitted = 0, inheritable = 0;
};

Caps GetCaps(pid_t pid = 0) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
  __user_cap_data_struct data[2] = {};
  EXPECT_OK(syscall(SYS_capget, &header, data));
  auto join = [](uint32_t low, uint32_t high) { return low | uint64_t{high} << 32; };
  return {join(data[0].effective, data[1].effective), join(data[0].permitted, data[1].permitted),
          join(data[0].inheritable, data[1].inheritable)};
}

long SetCaps(const Caps& caps) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int i = 0; i < 2; ++i) {
    data[i].effective = static_cast<uint32_t>(caps.effective >> (32 * i));
    data[i].permitted = static_cast<uint32_t>(caps.permitted >> (32 * i));
    data[i].inheritable = static_cast<uint32_t>(caps.inheritable >> (32 * i));
  }
  return syscall(SYS_capset, &header, data);
}

constexpr uint64_t Bit(int capability) { return 1ull << capability; }

// These cases change their credentials: each runs in a child, as root.
class Credentials : public testing::Test {
 protected:
  void SetUp() override { REQUIRE_ROOT(); }
};

TEST(Ids, PlainGettersAgree) {
  Ids uids = Uids(), gids = Gids();
  EXPECT_EQ(uids[0], getuid());
  EXPECT_EQ(uids[1], geteuid());
  EXPECT_EQ(gids[0], getgid());
  EXPECT_EQ(gids[1], getegid());
}

TEST_F(Credentials, SetuidByRootChangesAllThree) {
  InChild([] {
    EXPECT_OK(setuid(kUser));
    EXPECT_EQ((Ids{kUser, kUser, kUser}), Uids());
    EXPECT_ERRNO(setuid(0), EPERM);
  });
}

TEST_F(Credentials, SetuidByAUserChangesTheEffectiveOne) {
  InChild([] {
    EXPECT_OK(setresuid(kUser, kOtherUser, kUser));
    EXPECT_OK(setuid(kUser));
    EXPECT_EQ((Ids{kUser, kUser, kUser}), Uids());
  });
}

TEST_F(Credentials, SeteuidGoesAndComesBack) {
  InChild([] {
    EXPECT_OK(seteuid(kUser));
    EXPECT_EQ((Ids{0, kUser, 0}), Uids());
    EXPECT_OK(seteuid(0));
    EXPECT_EQ((Ids{0, 0, 0}), Uids());
  });
}

TEST_F(Credentials, SetreuidSavesTheNewEffective) {
  InChild([] {
    EXPECT_OK(setreuid(kUser, kOtherUser));
    EXPECT_EQ((Ids{kUser, kOtherUser, kOtherUser}), Uids());
    EXPECT_OK(setreuid(-1, kUser));
    EXPECT_ERRNO(setreuid(0, -1), EPERM);
    EXPECT_ERRNO(setreuid(-1, 77), EPERM);
  });
}

TEST_F(Credentials, SetresuidAcceptsAnyOfTheOldThree) {
  InChild([] {
    EXPECT_OK(setresuid(1, 2, 3));
    EXPECT_OK(setresuid(3, 1, 2));
    EXPECT_EQ((Ids{3, 1, 2}), Uids());
    EXPECT_OK(setresuid(-1, -1, -1));
    EXPECT_EQ((Ids{3, 1, 2}), Uids());
    EXPECT_ERRNO(setresuid(4, -1, -1), EPERM);
    EXPECT_ERRNO(setresuid(-1, 4, -1), EPERM);
    EXPECT_ERRNO(setresuid(-1, -1, 4), EPERM);
  });
}

TEST_F(Credentials, SetuidOfMinusOneIsEinval) {
  EXPECT_ERRNO(syscall(SYS_setuid, -1), EINVAL);
  EXPECT_ERRNO(syscall(SYS_setgid, -1), EINVAL);
}

TEST_F(Credentials, SetgidFamilyMirrorsSetuid) {
  InChild([] {
    EXPECT_OK(setgroups(0, nullptr));
    EXPECT_OK(setresgid(1, 2, 3));
    EXPECT_EQ((Ids{1, 2, 3}), Gids());
    EXPECT_OK(setuid(kUser));
    EXPECT_OK(setresgid(3, 1, 2));
    EXPECT_ERRNO(setresgid(4, -1, -1), EPERM);
    EXPECT_ERRNO(setregid(4, -1), EPERM);
    EXPECT_ERRNO(setgid(9), EPERM);
    EXPECT_OK(setgid(3));
    EXPECT_EQ((Ids{3, 3, 2}), Gids());
  });
}

TEST_F(Credentials, FsuidFollowsTheEffectiveIdAndReturnsTheOldOne) {
  InChild([] {
    EXPECT_EQ(0, setfsuid(kUser));
    EXPECT_EQ(static_cast<int>(kUser), setfsuid(-1)) << "an invalid id only reads";
    EXPECT_OK(seteuid(kOtherUser));
    EXPECT_EQ(static_cast<int>(kOtherUser), setfsuid(-1));
    EXPECT_EQ(static_cast<int>(kOtherUser), setfsuid(77));
    EXPECT_EQ(static_cast<int>(kOtherUser), setfsuid(-1)) << "not permitted, silently";
  });
}

TEST_F(Credentials, FsuidOwnsNewFiles) {
  ScopedTempDir dir;
  InChild([&] {
    setfsgid(kGroup);
    setfsuid(kUser);
    Fd fd(open((dir / "f").c_str(), O_CREAT | O_WRONLY, 0600));
    struct stat s;
    ASSERT_OK(fstat(fd.get(), &s));
    EXPECT_EQ(kUser, s.st_uid);
    EXPECT_EQ(kGroup, s.st_gid);
  });
}

TEST_F(Credentials, GroupsAreSetSortedAndRead) {
  InChild([] {
    gid_t groups[] = {30, 10, 20};
    EXPECT_OK(setgroups(3, groups));
    EXPECT_EQ(3, getgroups(0, nullptr));
    gid_t got[3] = {};
    EXPECT_EQ(3, getgroups(3, got));
    EXPECT_EQ(10u, got[0]);
    EXPECT_EQ(20u, got[1]);
    EXPECT_EQ(30u, got[2]);
    EXPECT_ERRNO(getgroups(2, got), EINVAL);
    EXPECT_ERRNO(getgroups(-1, got), EINVAL);
  });
}

TEST_F(Credentials, SetgroupsLimits) {
  InChild([] {
    EXPECT_ERRNO(syscall(SYS_setgroups, 65537, nullptr), EINVAL);
    EXPECT_ERRNO(syscall(SYS_setgroups, 1, nullptr), EFAULT);
    BecomeUser(kUser, kGroup);
    EXPECT_ERRNO(setgroups(0, nullptr), EPERM);
  });
}

TEST_F(Credentials, RawSystemCallChangesOneThreadOnly) {
  InChild([] {
    std::thread([] {
      EXPECT_OK(syscall(SYS_setresuid, kUser, kUser, kUser));
      EXPECT_EQ(static_cast<long>(kUser), syscall(SYS_getuid));
    }).join();
    EXPECT_EQ(0, syscall(SYS_getuid));
  });
}

TEST_F(Credentials, LibcChangesAllThreads) {
  InChild([] {
    Event check, done;
    long seen = -1;
    std::thread other([&] {
      check.Wait();
      seen = syscall(SYS_getuid);
    });
    EXPECT_OK(setuid(kUser));
    check.Set();
    other.join();
    EXPECT_EQ(static_cast<long>(kUser), seen);
  });
}

TEST_F(Credentials, ProcStatusShowsThem) {
  InChild([] {
    gid_t group = 77;
    setgroups(1, &group);
    setresgid(4, 5, 6);
    setresuid(1, 2, 3);
    std::string status = ReadFile("/proc/thread-self/status");
    EXPECT_NE(std::string::npos, status.find("Uid:\t1\t2\t3\t2\n")) << status;
    EXPECT_NE(std::string::npos, status.find("Gid:\t4\t5\t6\t5\n")) << status;
    EXPECT_NE(std::string::npos, status.find("Groups:\t77")) << status;
  });
}

TEST_F(Credentials, LeavingRootClearsCapabilities) {
  InChild([] {
    EXPECT_NE(0u, GetCaps().effective);
    EXPECT_OK(setresuid(kUser, kUser, kUser));
    EXPECT_EQ(0u, GetCaps().effective);
    EXPECT_EQ(0u, GetCaps().permitted);
  });
}

TEST_F(Credentials, EffectiveUserAloneClearsEffectiveCapabilities) {
  InChild([] {
    uint64_t permitted = GetCaps().permitted;
    EXPECT_OK(seteuid(kUser));
    EXPECT_EQ(0u, GetCaps().effective);
    EXPECT_EQ(permitted, GetCaps().permitted);
    EXPECT_OK(seteuid(0));
    EXPECT_EQ(permitted, GetCaps().effective);
  });
}

TEST_F(Credentials, KeepcapsKeepsPermitted) {
  InChild([] {
    uint64_t permitted = GetCaps().permitted;
    EXPECT_EQ(0, prctl(PR_GET_KEEPCAPS));
    EXPECT_OK(prctl(PR_SET_KEEPCAPS, 1));
    EXPECT_EQ(1, prctl(PR_GET_KEEPCAPS));
    EXPECT_OK(setresuid(kUser, kUser, kUser));
    EXPECT_EQ(permitted, GetCaps().permitted);
    EXPECT_EQ(0u, GetCaps().effective);
    Caps caps = GetCaps();
    caps.effective = Bit(CAP_CHOWN);
    EXPECT_OK(SetCaps(caps));
    EXPECT_TRUE(HasCapability(CAP_CHOWN));
  });
}

TEST_F(Credentials, KeepcapsRefusesOtherValues) { EXPECT_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL); }

TEST_F(Credentials, CapsetCannotRaise) {
  InChild([] {
    Caps caps = GetCaps();
    caps.effective = caps.permitted = Bit(CAP_CHOWN);
    EXPECT_OK(SetCaps(caps));
    caps.permitted |= Bit(CAP_KILL);
    EXPECT_ERRNO(SetCaps(caps), EPERM);
    caps.permitted = 0;
    EXPECT_ERRNO(SetCaps(caps), EPERM) << "effective must lie in permitted";
  });
}

TEST_F(Credentials, InheritableNeedsBoundingOrPermitted) {
  InChild([] {
    Caps caps = GetCaps();
    caps.inheritable = Bit(CAP_CHOWN);
    EXPECT_OK(SetCaps(caps));
    EXPECT_EQ(Bit(CAP_CHOWN), GetCaps().inheritable);
  });
}

TEST(Capget, VersionsAndTargets) {
  __user_cap_header_struct header = {0x12345678, 0};
  __user_cap_data_struct data[2] = {};
  EXPECT_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
  EXPECT_EQ(static_cast<uint32_t>(_LINUX_CAPABILITY_VERSION_3), header.version);
  header = {0x12345678, 0};
  EXPECT_OK(syscall(SYS_capget, &header, nullptr)) << "probing for the version";
  header = {_LINUX_CAPABILITY_VERSION_3, 0x3ffffff};
  EXPECT_ERRNO(syscall(SYS_capget, &header, data), ESRCH);
  header = {_LINUX_CAPABILITY_VERSION_3, -1};
  EXPECT_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
  header = {_LINUX_CAPABILITY_VERSION_1, 0};
  EXPECT_OK(syscall(SYS_capget, &header, data));
}

TEST(Capset, OtherProcessIsEperm) {
  Child child([] { pause(); });
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, child.pid()};
  __user_cap_data_struct data[2] = {};
  EXPECT_ERRNO(syscall(SYS_capset, &header, data), EPERM);
}

TEST_F(Credentials, BoundingSetDropIsPermanent) {
  InChild([] {
    EXPECT_EQ(1, prctl(PR_CAPBSET_READ, CAP_CHOWN));
    EXPECT_OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    EXPECT_EQ(0, prctl(PR_CAPBSET_READ, CAP_CHOWN));
    EXPECT_TRUE(HasCapability(CAP_CHOWN)) << "dropping does not touch the present sets";
    EXPECT_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
    EXPECT_ERRNO(prctl(PR_CAPBSET_DROP, 64), EINVAL);
    Caps none = {};
    SetCaps(none);
    EXPECT_ERRNO(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
  });
}

GUEST_ROLE(print_caps) {
  Caps caps = GetCaps();
  printf("%lx %lx %lx", caps.effective & 0x1f, caps.permitted & 0x1f, caps.inheritable & 0x1f);
  return 0;
}

std::string CapsAfterExec(const std::function<void()>& prepare) {
  Pipe pipe;
  // By descriptor: the path to this program may be closed to a normal user.
  Fd self(open(SelfPath().c_str(), O_PATH | O_CLOEXEC));
  Child child([&] {
    dup2(pipe.write.get(), 1);
    prepare();
    syscall(SYS_execveat, self.get(), "", RoleArgs("print_caps").argv(), environ, AT_EMPTY_PATH);
    _exit(127);
  });
  pipe.write.Reset();
  std::string out = ReadAll(pipe.read.get());
  child.ExpectSuccess();
  return out;
}

TEST_F(Credentials, ExecAsRootGainsTheBoundingSet) {
  EXPECT_EQ("1e 1e 0", CapsAfterExec([] {
              prctl(PR_CAPBSET_DROP, CAP_CHOWN);
              Caps none = {};
              SetCaps(none);
            }));
}

TEST_F(Credentials, ExecAsUserLosesCapabilities) {
  EXPECT_EQ("0 0 0", CapsAfterExec([] {
              prctl(PR_SET_KEEPCAPS, 1);
              BecomeUser(kUser, kGroup);
              Caps caps = GetCaps();
              caps.effective = caps.permitted;
              SetCaps(caps);
            }));
}

TEST_F(Credentials, AmbientCapabilitiesSurviveExec) {
  EXPECT_EQ("1 1 1", CapsAfterExec([] {
              prctl(PR_SET_KEEPCAPS, 1);
              BecomeUser(kUser, kGroup);
              Caps caps = GetCaps();
              EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);
              caps.inheritable = Bit(CAP_CHOWN);
              EXPECT_OK(SetCaps(caps));
              EXPECT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
              EXPECT_EQ(1, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
            }));
}

TEST_F(Credentials, AmbientIsClearedWithInheritableAndOnRequest) {
  InChild([] {
    Caps caps = GetCaps();
    caps.inheritable = Bit(CAP_CHOWN) | Bit(CAP_KILL);
    EXPECT_OK(SetCaps(caps));
    EXPECT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    EXPECT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    caps.inheritable = Bit(CAP_KILL);
    EXPECT_OK(SetCaps(caps));
    EXPECT_EQ(0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
    EXPECT_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    EXPECT_EQ(0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, 77, 0, 0, 0), EINVAL);
    EXPECT_ERRNO(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0), EINVAL);
  });
}

TEST_F(Credentials, NorootBitStopsGainingByExec) {
  EXPECT_EQ("0 0 0", CapsAfterExec([] {
              EXPECT_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
              EXPECT_EQ(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, prctl(PR_GET_SECUREBITS));
              EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, 0), EPERM) << "locked";
            }));
}

TEST_F(Credentials, NoSetuidFixupKeepsCapabilities) {
  InChild([] {
    EXPECT_OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    uint64_t effective = GetCaps().effective;
    EXPECT_OK(setresuid(kUser, kUser, kUser));
    EXPECT_EQ(effective, GetCaps().effective);
  });
}

TEST_F(Credentials, SecurebitsNeedSetpcap) {
  InChildAs(kUser, kGroup, [] { EXPECT_ERRNO(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM); });
}

TEST(NoNewPrivs, IsOneWayAndInherited) {
  InChild([] {
    EXPECT_EQ(0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    EXPECT_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    EXPECT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXPECT_EQ(1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    InChild([] { EXPECT_EQ(1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); });
    EXPECT_NE(std::string::npos, ReadFile("/proc/self/status").find("NoNewPrivs:\t1"));
  });
}

TEST_F(Credentials, CapabilityOverridesPermissionBits) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "x", 0000);
  EXPECT_TRUE(Fd(open((dir / "f").c_str(), O_RDWR)).valid());
  InChild([&] {
    Caps caps = GetCaps();
    caps.effective &= ~(Bit(CAP_DAC_OVERRIDE) | Bit(CAP_DAC_READ_SEARCH));
    ASSERT_OK(SetCaps(caps));
    EXPECT_ERRNO(open((dir / "f").c_str(), O_RDONLY), EACCES);
    caps.effective |= Bit(CAP_DAC_READ_SEARCH);
    if (SetCaps(caps) != 0) return;
    EXPECT_TRUE(Fd(open((dir / "f").c_str(), O_RDONLY)).valid());
    EXPECT_ERRNO(open((dir / "f").c_str(), O_WRONLY), EACCES);
  });
}

}  // namespace
}  // namespace guest
