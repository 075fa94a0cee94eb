// Process groups and sessions.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

GUEST_ROLE(wait_for_stdin) {
  char c;
  // Tells that the exec has happened, then waits.
  if (write(1, "x", 1) != 1) return 1;
  return read(0, &c, 1) < 0 ? 1 : 0;
}

TEST(Setsid, MakesALeaderOfBoth) {
  InChild([] {
    EXPECT_EQ(getpid(), setsid());
    EXPECT_EQ(getpid(), getsid(0));
    EXPECT_EQ(getpid(), getpgrp());
  });
}

TEST(Setsid, RefusedForAGroupLeader) {
  InChild([] {
    ASSERT_OK(setpgid(0, 0));
    EXPECT_ERRNO(setsid(), EPERM);
  });
}

TEST(Setsid, RefusedTwice) {
  InChild([] {
    ASSERT_OK(setsid());
    EXPECT_ERRNO(setsid(), EPERM);
  });
}

TEST(Setsid, RefusedWhileAGroupOfThatIdExists) {
  InChild([] {
    Event moved, tried;
    Child child([&] {
      moved.Wait();
      // The child's own group lives on in its sibling even though the child left it.
      EXPECT_ERRNO(setsid(), EPERM);
      tried.Set();
    });
    ASSERT_OK(setpgid(child.pid(), child.pid()));
    pid_t group = child.pid();
    Child member([] { pause(); });
    ASSERT_OK(setpgid(member.pid(), group));
    ASSERT_OK(setpgid(child.pid(), getpgrp()));
    moved.Set();
    tried.Wait();
    child.ExpectSuccess();
  });
}

TEST(Setpgid, ZeroMeansSelf) {
  InChild([] {
    EXPECT_OK(setpgid(0, 0));
    EXPECT_EQ(getpid(), getpgid(0));
  });
}

TEST(Setpgid, ParentMovesItsChild) {
  Child child([] { pause(); });
  EXPECT_OK(setpgid(child.pid(), 0));
  EXPECT_EQ(child.pid(), getpgid(child.pid()));
}

TEST(Setpgid, RefusesNegativeGroup) { EXPECT_ERRNO(setpgid(0, -1), EINVAL); }

TEST(Setpgid, RefusesUnknownProcess) { EXPECT_ERRNO(setpgid(0x3ffffff, 0), ESRCH); }

TEST(Setpgid, RefusesAProcessThatIsNotAChild) {
  InChild([] { EXPECT_ERRNO(setpgid(getppid(), 0), ESRCH); });
}

TEST(Setpgid, RefusesASessionLeader) {
  InChild([] {
    ASSERT_OK(setsid());
    EXPECT_ERRNO(setpgid(0, 0), EPERM);
  });
}

TEST(Setpgid, RefusesAChildInAnotherSession) {
  Event ready;
  Child child([&] {
    setsid();
    ready.Set();
    pause();
  });
  ready.Wait();
  EXPECT_ERRNO(setpgid(child.pid(), child.pid()), EPERM);
}

TEST(Setpgid, RefusesAGroupThatDoesNotExist) {
  Child child([] { pause(); });
  EXPECT_ERRNO(setpgid(child.pid(), 0x3ffffff), EPERM);
}

TEST(Setpgid, RefusesAGroupOfAnotherSession) {
  InChild([] {
    pid_t group = getpgrp();
    pid_t first = fork();
    if (first == 0) _exit(0);
    InChild([&] {
      setsid();
      Child inner([] { pause(); });
      EXPECT_ERRNO(setpgid(inner.pid(), group), EPERM);
    });
    waitpid(first, nullptr, 0);
  });
}

TEST(Setpgid, RefusedAfterTheChildExecuted) {
  Pipe in, out;
  Child child([&] {
    dup2(in.read.get(), 0);
    dup2(out.write.get(), 1);
    in.write.Reset();
    ExecRole("wait_for_stdin");
  });
  char c;
  EXPECT_EQ(1, read(out.read.get(), &c, 1));
  EXPECT_ERRNO(setpgid(child.pid(), child.pid()), EACCES);
  in.write.Reset();
  child.ExpectSuccess();
}

TEST(Getpgid, UnknownProcessIsEsrch) {
  EXPECT_ERRNO(getpgid(0x3ffffff), ESRCH);
  EXPECT_ERRNO(getsid(0x3ffffff), ESRCH);
}

TEST(Getpgid, OfAnotherProcess) {
  Child child([] { pause(); });
  EXPECT_EQ(getpgrp(), getpgid(child.pid()));
  EXPECT_EQ(getsid(0), getsid(child.pid()));
}

TEST(KillGroup, ReachesEveryMember) {
  InChild([] {
    ASSERT_OK(setpgid(0, 0));
    signal(SIGUSR1, SIG_IGN);
    pid_t pids[3];
    Event ready;
    for (pid_t& pid : pids) {
      pid = fork();
      if (pid == 0) {
        signal(SIGUSR1, SIG_DFL);
        ready.Set();
        for (;;) pause();
      }
      ready.Wait();
    }
    EXPECT_OK(kill(0, SIGUSR1));
    for (pid_t pid : pids) {
      int status;
      EXPECT_EQ(pid, waitpid(pid, &status, 0));
      EXPECT_EQ(SIGUSR1, WTERMSIG(status));
    }
  });
}

TEST(KillGroup, EmptyGroupIsEsrch) { EXPECT_ERRNO(kill(-0x3ffffff, 0), ESRCH); }

TEST(KillGroup, ZombieLeaderKeepsTheGroupAlive) {
  InChild([] {
    Child leader([] { setpgid(0, 0); });
    siginfo_t info;
    EXPECT_OK(waitid(P_PID, leader.pid(), &info, WEXITED | WNOWAIT));
    EXPECT_OK(kill(-leader.pid(), 0));
    pid_t pid = leader.pid();
    leader.ExpectSuccess();
    EXPECT_ERRNO(kill(-pid, 0), ESRCH);
  });
}

TEST(OrphanedGroup, StoppedMembersGetHupAndCont) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    Pipe pipe;
    Child parent([&] {
      // `member` is tied to the rest of this new session by its parent alone.
      setsid();
      pid_t member = fork();
      if (member == 0) {
        for (;;) pause();
      }
      setpgid(member, member);
      kill(member, SIGSTOP);
      siginfo_t info;
      EXPECT_OK(waitid(P_PID, member, &info, WSTOPPED | WNOWAIT));
      EXPECT_EQ(4, write(pipe.write.get(), &member, sizeof(member)));
    });
    pid_t member = 0;
    EXPECT_EQ(4, read(pipe.read.get(), &member, sizeof(member)));
    parent.ExpectSuccess();
    int status = 0;
    EXPECT_EQ(member, waitpid(member, &status, 0));
    EXPECT_EQ(SIGHUP, WTERMSIG(status));
  });
}

}  // namespace
}  // namespace guest
