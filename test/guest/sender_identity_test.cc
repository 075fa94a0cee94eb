// Who a signal, a message or a child is from, where sender and receiver do not share their user or pid namespace.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"
#include "test/guest/support/user_namespace.h"

namespace guest {
namespace {

constexpr uint32_t kNobody = 65534;

// The ids of the user become 0 in the namespace of the caller.
void BecomeRoot() {
  for (const auto& [file, text] :
       {std::pair("setgroups", std::string("deny")), std::pair("uid_map", "0 " + std::to_string(kUser) + " 1"),
        std::pair("gid_map", "0 " + std::to_string(kGroup) + " 1")}) {
    Fd fd(open((std::string("/proc/thread-self/") + file).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(fd.valid()) << file;
    ASSERT_EQ(static_cast<ssize_t>(text.size()), write(fd.get(), text.data(), text.size())) << file;
  }
}

void EnterAsRoot() {
  ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));  // or the files of /proc are not the user's
  ASSERT_OK(unshare(CLONE_NEWUSER));
  BecomeRoot();
}

class SenderIdentity : public UserNamespaceTest {};

siginfo_t WaitFor(int signal) {
  const sigset_t set = SignalSet({signal});
  siginfo_t info = {};
  EXPECT_EQ(signal, sigwaitinfo(&set, &info));
  return info;
}

long Queue(pid_t target, int signal, pid_t pid, uid_t uid) {
  siginfo_t info = {};
  info.si_code = SI_QUEUE;
  info.si_pid = pid;
  info.si_uid = uid;
  info.si_value.sival_int = 5;
  return syscall(SYS_rt_sigqueueinfo, target, signal, &info);
}

// Another user namespace than the parent's, in which the user is root or has no id.
void Enter(bool mapped) {
  if (mapped) {
    EnterAsRoot();
  } else {
    ASSERT_OK(unshare(CLONE_NEWUSER));
  }
}

uint32_t ShownUser(bool mapped) { return mapped ? 0 : kNobody; }

void ExpectSignalsIntoAUserNamespace(bool mapped) {
  ScopedBlock block({SIGUSR1, SIGUSR2});
  const pid_t self = getpid();
  Event ready;
  Child receiver([&] {
    Enter(mapped);
    ready.Set();
    const siginfo_t killed = WaitFor(SIGUSR1);
    EXPECT_EQ(SI_USER, killed.si_code);
    EXPECT_EQ(self, killed.si_pid);
    EXPECT_EQ(ShownUser(mapped), killed.si_uid);
    const siginfo_t queued = WaitFor(SIGUSR2);
    EXPECT_EQ(SI_QUEUE, queued.si_code);
    EXPECT_EQ(77, queued.si_pid) << "is what its sender says";
    EXPECT_EQ(ShownUser(mapped), queued.si_uid);
    EXPECT_EQ(5, queued.si_value.sival_int);
  });
  ready.Wait();
  EXPECT_OK(Queue(receiver.pid(), SIGUSR2, 77, kUser));
  EXPECT_OK(kill(receiver.pid(), SIGUSR1));
  receiver.ExpectSuccess();
}

TEST_F(SenderIdentity, SignalsIntoAUserNamespace) {
  InChildAs(kUser, kGroup, [] { ExpectSignalsIntoAUserNamespace(true); });
  InChildAs(kUser, kGroup, [] { ExpectSignalsIntoAUserNamespace(false); });
}

TEST_F(SenderIdentity, SignalsOutOfAUserNamespace) {
  InChildAs(kUser, kGroup, [] {
    ScopedBlock block({SIGUSR1, SIGUSR2});
    const pid_t self = getpid();
    Child sender([&] {
      EnterAsRoot();
      EXPECT_OK(Queue(self, SIGUSR2, 77, 0));
      EXPECT_OK(kill(self, SIGUSR1));
    });
    const siginfo_t killed = WaitFor(SIGUSR1), queued = WaitFor(SIGUSR2);
    EXPECT_EQ(sender.pid(), killed.si_pid);
    EXPECT_EQ(uid_t{kUser}, killed.si_uid);
    EXPECT_EQ(77, queued.si_pid);
    EXPECT_EQ(uid_t{kUser}, queued.si_uid);
    sender.ExpectSuccess();
  });
}

TEST_F(SenderIdentity, SignalsIntoAPidNamespace) {
  InChild([] {
    ScopedBlock block({SIGUSR1, SIGUSR2});
    ASSERT_OK(unshare(CLONE_NEWPID));
    Child receiver([&] {
      EXPECT_EQ(0, WaitFor(SIGUSR1).si_pid);
      EXPECT_EQ(0, WaitFor(SIGUSR2).si_pid);
    });
    EXPECT_OK(Queue(receiver.pid(), SIGUSR2, 77, 0));
    EXPECT_OK(kill(receiver.pid(), SIGUSR1));
    receiver.ExpectSuccess();
  });
}

// What the parent hears of its child: SIGCHLD and waitid(2).
void ExpectChildOf(uint32_t user, const Body& body) {
  ScopedBlock block({SIGCHLD});
  Child child(body);
  const siginfo_t told = WaitFor(SIGCHLD);
  EXPECT_EQ(child.pid(), told.si_pid);
  EXPECT_EQ(user, told.si_uid);
  siginfo_t waited = {};
  EXPECT_OK(waitid(P_PID, static_cast<id_t>(child.pid()), &waited, WEXITED | WNOWAIT));
  EXPECT_EQ(child.pid(), waited.si_pid);
  EXPECT_EQ(user, waited.si_uid);
  child.ExpectSuccess();
}

TEST_F(SenderIdentity, ChildrenInAUserNamespace) {
  InChildAs(kUser, kGroup, [] {
    ExpectChildOf(kUser, [] { EnterAsRoot(); });
    ExpectChildOf(kUser, [] { Enter(false); });
    EnterAsRoot();
    ExpectChildOf(0, [] {});
  });
  InChildAs(kUser, kGroup, [] {
    Enter(false);
    ExpectChildOf(kNobody, [] {});
  });
}

ucred PeerOf(const Fd& fd) {
  ucred peer = {};
  socklen_t length = sizeof peer;
  EXPECT_OK(getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length));
  return peer;
}

void ExpectCredentials(const ucred& expected, const ucred& got) {
  EXPECT_EQ(expected.pid, got.pid);
  EXPECT_EQ(expected.uid, got.uid);
  EXPECT_EQ(expected.gid, got.gid);
}

struct SocketPair {
  SocketPair() {
    int fds[2];
    EXPECT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
    near = Fd(fds[0]);
    far = Fd(fds[1]);
    const int on = 1;
    for (const int fd : fds) EXPECT_OK(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  }
  Fd near, far;
};

// One byte, with credentials of the sender's making if they are given.
long SendAs(const Fd& fd, const ucred* claimed) {
  char byte = 'x';
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (claimed != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof(ucred));
    memcpy(CMSG_DATA(header), claimed, sizeof *claimed);
  }
  return sendmsg(fd.get(), &message, 0);
}

ucred ReceiveFrom(const Fd& fd) {
  char byte = 0;
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  EXPECT_EQ(1, recvmsg(fd.get(), &message, 0));
  ucred sender = {};
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  EXPECT_TRUE(header != nullptr && header->cmsg_type == SCM_CREDENTIALS);
  if (header != nullptr) memcpy(&sender, CMSG_DATA(header), sizeof sender);
  return sender;
}

TEST_F(SenderIdentity, SocketsIntoAUserNamespace) {
  InChildAs(kUser, kGroup, [] {
    const pid_t self = getpid();
    SocketPair pair;
    for (const bool mapped : {true, false}) {
      ASSERT_EQ(1, SendAs(pair.near, nullptr));
      InChild([&] {
        Enter(mapped);
        const uint32_t id = ShownUser(mapped);
        ExpectCredentials({self, id, id}, PeerOf(pair.far));
        ExpectCredentials({self, id, id}, ReceiveFrom(pair.far));
      });
    }
  });
}

TEST_F(SenderIdentity, SocketsOutOfAUserNamespace) {
  InChildAs(kUser, kGroup, [] {
    SocketPair pair;
    Child sender([&] {
      EnterAsRoot();
      EXPECT_EQ(1, SendAs(pair.near, nullptr));
      const ucred own = {getpid(), 0, 0};
      EXPECT_EQ(1, SendAs(pair.near, &own));
      const ucred unknown = {getpid(), kUser, 0}, other = {getppid(), 0, 0};
      EXPECT_ERRNO(SendAs(pair.near, &unknown), EINVAL) << "an id without a meaning here";
      EXPECT_ERRNO(SendAs(pair.near, &other), EPERM) << "the pid namespace belongs to somebody else";
    });
    for (int i = 0; i < 2; ++i) ExpectCredentials({sender.pid(), kUser, kGroup}, ReceiveFrom(pair.far));
    sender.ExpectSuccess();
  });
}

TEST_F(SenderIdentity, SocketsIntoAPidNamespace) {
  InChild([] {
    SocketPair pair;
    ASSERT_EQ(1, SendAs(pair.near, nullptr));
    ASSERT_OK(unshare(CLONE_NEWPID));
    InChild([&] {
      EXPECT_EQ(0, PeerOf(pair.far).pid);
      EXPECT_EQ(0, ReceiveFrom(pair.far).pid);
    });
  });
}

TEST_F(SenderIdentity, MessagesBearRealIdsAndConnectionsEffectiveOnes) {
  InChild([] {
    ASSERT_OK(setresgid(kGroup, 0, 0));
    ASSERT_OK(setresuid(kUser, 0, 0));
    SocketPair pair;
    ExpectCredentials({getpid(), 0, 0}, PeerOf(pair.near));
    ASSERT_EQ(1, SendAs(pair.near, nullptr));
    ExpectCredentials({getpid(), kUser, kGroup}, ReceiveFrom(pair.far));
  });
}

}  // namespace
}  // namespace guest
