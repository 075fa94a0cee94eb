// Pseudo terminals: creation, line discipline, job control, window size, hang-up.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <atomic>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

class Pty : public testing::Test {
 protected:
  void SetUp() override {
    master_.Reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(master_.valid()) << ErrnoText(errno);
    ASSERT_OK(grantpt(m()));
    ASSERT_OK(unlockpt(m()));
    char name[64];
    ASSERT_EQ(0, ptsname_r(m(), name, sizeof(name)));
    name_ = name;
    slave_.Reset(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(slave_.valid()) << name << " " << ErrnoText(errno);
  }
  int m() const { return master_.get(); }
  int s() const { return slave_.get(); }
  void Type(const std::string& text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), write(m(), text.data(), text.size()));
  }
  void Print(const std::string& text) {
    ASSERT_EQ(static_cast<ssize_t>(text.size()), write(s(), text.data(), text.size()));
  }
  // What is there now; waits for it up to a second in case it is processed asynchronously.
  static std::string Take(int fd, int timeout = 1000) {
    pollfd p = {fd, POLLIN, 0};
    if (poll(&p, 1, timeout) <= 0 || (p.revents & POLLIN) == 0) return "";
    char buffer[8192];
    ssize_t n = read(fd, buffer, sizeof(buffer));
    return n < 0 ? "error " + ErrnoText(errno) : std::string(buffer, static_cast<size_t>(n));
  }
  // All that comes out until it has the expected size.
  static std::string TakeAll(int fd, size_t size) {
    std::string out;
    while (out.size() < size) {
      std::string more = Take(fd);
      if (more.empty()) break;
      out += more;
    }
    return out;
  }
  termios Get() {
    termios t = {};
    EXPECT_OK(tcgetattr(s(), &t));
    return t;
  }
  void Set(const termios& t) { EXPECT_OK(tcsetattr(s(), TCSANOW, &t)); }
  template <typename Change>
  void Modify(Change change) {
    termios t = Get();
    change(t);
    Set(t);
  }
  void NoEcho() {
    Modify([](termios& t) { t.c_lflag &= ~static_cast<tcflag_t>(ECHO); });
  }
  void Raw() {
    Modify([](termios& t) { cfmakeraw(&t); });
  }
  // The child becomes a session leader with the slave as its controlling terminal.
  void TakeTerminal() {
    ASSERT_OK(setsid());
    ASSERT_OK(ioctl(s(), TIOCSCTTY, 0));
  }
  Fd master_, slave_;
  std::string name_;
};

TEST_F(Pty, NodesHaveTheirNumbers) {
  unsigned index = 0;
  ASSERT_OK(ioctl(m(), TIOCGPTN, &index));
  EXPECT_EQ("/dev/pts/" + std::to_string(index), name_);
  struct stat st;
  ASSERT_OK(fstat(s(), &st));
  EXPECT_TRUE(S_ISCHR(st.st_mode));
  EXPECT_EQ(makedev(136, index), st.st_rdev);
  ASSERT_OK(fstat(m(), &st));
  EXPECT_EQ(makedev(5, 2), st.st_rdev);
  EXPECT_TRUE(isatty(m()));
  EXPECT_TRUE(isatty(s()));
}

TEST_F(Pty, SettingsInTheOldFormAreTheLowHalves) {
  constexpr tcflag_t kHigh = EXTPROC;  // above the low half
  Modify([](termios& t) { t.c_lflag |= kHigh; });
  const termios before = Get();
  struct termio old = {};
  ASSERT_OK(ioctl(s(), TCGETA, &old));
  EXPECT_EQ(static_cast<uint16_t>(before.c_iflag), old.c_iflag);
  EXPECT_EQ(static_cast<uint16_t>(before.c_oflag), old.c_oflag);
  EXPECT_EQ(static_cast<uint16_t>(before.c_lflag), old.c_lflag);
  EXPECT_EQ(before.c_cc[VINTR], old.c_cc[VINTR]);
  old.c_lflag &= static_cast<uint16_t>(~ECHO);
  old.c_cc[VINTR] = 'x';
  for (const unsigned long request : {TCSETA, TCSETAW, TCSETAF}) ASSERT_OK(ioctl(m(), request, &old));
  const termios after = Get();
  EXPECT_EQ(before.c_lflag & ~static_cast<tcflag_t>(ECHO), after.c_lflag);
  EXPECT_EQ(before.c_cflag, after.c_cflag);
  EXPECT_EQ('x', after.c_cc[VINTR]);
  EXPECT_EQ(before.c_cc[VLNEXT], after.c_cc[VLNEXT]);
  EXPECT_ERRNO(ioctl(s(), TCGETA, nullptr), EFAULT);
}

TEST_F(Pty, LockedSlaveIsEio) {
  Fd other(posix_openpt(O_RDWR | O_NOCTTY));
  char name[64];
  ASSERT_EQ(0, ptsname_r(other.get(), name, sizeof(name)));
  EXPECT_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO);
  int locked = 0;
  EXPECT_OK(ioctl(other.get(), TIOCGPTLCK, &locked));
  EXPECT_EQ(1, locked);
}

TEST_F(Pty, SlaveDisappearsWithTheMaster) {
  master_.Reset();
  EXPECT_ERRNO(open(name_.c_str(), O_RDWR | O_NOCTTY), ENOENT);
}

TEST_F(Pty, PeerOpensTheSlave) {
  Fd peer(ioctl(m(), TIOCGPTPEER, O_RDWR | O_NOCTTY));
  ASSERT_TRUE(peer.valid()) << ErrnoText(errno);
  struct stat a, b;
  fstat(peer.get(), &a);
  fstat(s(), &b);
  EXPECT_EQ(b.st_rdev, a.st_rdev);
}

TEST_F(Pty, DefaultSettings) {
  termios t = Get();
  EXPECT_EQ(static_cast<tcflag_t>(ICRNL | IXON), t.c_iflag & (ICRNL | IXON | INLCR | IGNCR));
  EXPECT_EQ(static_cast<tcflag_t>(OPOST | ONLCR), t.c_oflag & (OPOST | ONLCR));
  tcflag_t local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  EXPECT_EQ(local, t.c_lflag & local);
  EXPECT_EQ(3, t.c_cc[VINTR]);
  EXPECT_EQ(0x1c, t.c_cc[VQUIT]);
  EXPECT_EQ(0x7f, t.c_cc[VERASE]);
  EXPECT_EQ(0x15, t.c_cc[VKILL]);
  EXPECT_EQ(4, t.c_cc[VEOF]);
  EXPECT_EQ(0x1a, t.c_cc[VSUSP]);
  EXPECT_EQ(static_cast<speed_t>(B38400), cfgetospeed(&t));
}

TEST_F(Pty, CanonicalInputComesByLines) {
  NoEcho();
  Type("abc");
  EXPECT_EQ("", Take(s(), 10));
  Type("d\nef\n");
  EXPECT_EQ("abcd\n", Take(s()));
  EXPECT_EQ("ef\n", Take(s()));
}

TEST_F(Pty, CanonicalReadOfPartOfALine) {
  NoEcho();
  Type("abcdef\n");
  char buffer[4] = {};
  EXPECT_EQ(3, read(s(), buffer, 3));
  EXPECT_STREQ("abc", buffer);
  EXPECT_EQ("def\n", Take(s()));
}

TEST_F(Pty, CarriageReturnBecomesNewline) {
  NoEcho();
  Type("a\r");
  EXPECT_EQ("a\n", Take(s()));
  Modify([](termios& t) { t.c_iflag = (t.c_iflag & ~static_cast<tcflag_t>(ICRNL)) | IGNCR; });
  Type("b\rc\n");
  EXPECT_EQ("bc\n", Take(s()));
}

TEST_F(Pty, EraseKillAndWordErase) {
  NoEcho();
  Type(
      "abx\x7f"
      "c\n");
  EXPECT_EQ("abc\n", Take(s()));
  Type("garbage\x15ok\n");
  EXPECT_EQ("ok\n", Take(s()));
  Type("one two\x17three\n");
  EXPECT_EQ("one three\n", Take(s()));
}

TEST_F(Pty, EndOfFileCharacter) {
  NoEcho();
  Type("ab\x04");
  EXPECT_EQ("ab", Take(s()));
  Type("\x04");
  char c;
  EXPECT_EQ(0, read(s(), &c, 1));
}

TEST_F(Pty, LiteralNext) {
  NoEcho();
  Type(
      "a\x16\x04"
      "b\n");
  EXPECT_EQ(
      "a\x04"
      "b\n",
      Take(s()));
}

TEST_F(Pty, EchoGoesToTheMaster) {
  Type("hi\n");
  EXPECT_EQ("hi\r\n", TakeAll(m(), 4));
  EXPECT_EQ("hi\n", Take(s()));
}

TEST_F(Pty, ControlCharactersEchoWithACaret) {
  Type("\x01\n");
  EXPECT_EQ("^A\r\n", TakeAll(m(), 4));
}

TEST_F(Pty, EraseEchoesBackspaces) {
  Type("ab\x7f");
  EXPECT_EQ("ab\b \b", TakeAll(m(), 5));
}

TEST_F(Pty, OutputProcessing) {
  Print("a\nb");
  EXPECT_EQ("a\r\nb", TakeAll(m(), 4));
  Modify([](termios& t) { t.c_oflag &= ~static_cast<tcflag_t>(OPOST); });
  Print("a\nb");
  EXPECT_EQ("a\nb", TakeAll(m(), 3));
}

TEST_F(Pty, RawModePassesEverything) {
  Raw();
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  Type(all);
  EXPECT_EQ(all, TakeAll(s(), 256));
  Print(all);
  EXPECT_EQ(all, TakeAll(m(), 256));
}

TEST_F(Pty, RawMinAndTime) {
  Raw();
  Modify([](termios& t) {
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
  });
  char buffer[16];
  EXPECT_EQ(0, read(s(), buffer, 16)) << "MIN 0 TIME 0 polls";
  Modify([](termios& t) {
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 1;
  });
  EXPECT_EQ(0, read(s(), buffer, 16)) << "times out";
  Modify([](termios& t) {
    t.c_cc[VMIN] = 3;
    t.c_cc[VTIME] = 0;
  });
  Child typist([&] {
    for (int i = 0; i < 3; ++i) {
      Type("x");
      usleep(3000);
    }
  });
  EXPECT_EQ(3, read(s(), buffer, 16));
  typist.ExpectSuccess();
}

TEST_F(Pty, NonblockingReadIsEagain) {
  ASSERT_OK(fcntl(s(), F_SETFL, O_NONBLOCK));
  ASSERT_OK(fcntl(m(), F_SETFL, O_NONBLOCK));
  char c;
  EXPECT_ERRNO(read(s(), &c, 1), EAGAIN);
  EXPECT_ERRNO(read(m(), &c, 1), EAGAIN);
}

TEST_F(Pty, FionreadAndFlush) {
  NoEcho();
  Type("abc\n");
  pollfd p = {s(), POLLIN, 0};
  ASSERT_EQ(1, poll(&p, 1, 10000));
  int n = 0;
  EXPECT_OK(ioctl(s(), FIONREAD, &n));
  EXPECT_EQ(4, n);
  EXPECT_OK(tcflush(s(), TCIFLUSH));
  EXPECT_OK(ioctl(s(), FIONREAD, &n));
  EXPECT_EQ(0, n);
  EXPECT_OK(tcdrain(s()));
}

TEST_F(Pty, WindowSizeIsShared) {
  winsize w = {24, 80, 1, 2}, got = {};
  EXPECT_OK(ioctl(m(), TIOCSWINSZ, &w));
  EXPECT_OK(ioctl(s(), TIOCGWINSZ, &got));
  EXPECT_EQ(24, got.ws_row);
  EXPECT_EQ(80, got.ws_col);
  EXPECT_EQ(2, got.ws_ypixel);
}

TEST_F(Pty, MasterCloseHangsUpTheSlave) {
  master_.Reset();
  char c;
  EXPECT_EQ(0, read(s(), &c, 1));
  EXPECT_ERRNO(write(s(), "x", 1), EIO);
  pollfd p = {s(), POLLIN, 0};
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_TRUE(p.revents & POLLHUP);
  termios t;
  EXPECT_ERRNO(tcgetattr(s(), &t), EIO);
}

TEST_F(Pty, SlaveCloseGivesTheMasterEio) {
  Print("last");
  slave_.Reset();
  EXPECT_EQ("last", Take(m()));
  char c;
  EXPECT_ERRNO(read(m(), &c, 1), EIO);
  pollfd p = {m(), POLLIN, 0};
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_TRUE(p.revents & POLLHUP);
  slave_.Reset(open(name_.c_str(), O_RDWR | O_NOCTTY));
  EXPECT_TRUE(slave_.valid()) << "and it can come back";
}

TEST_F(Pty, TcgetattrOnOthersIsEnotty) {
  termios t;
  Fd null(open("/dev/null", O_RDWR));
  EXPECT_ERRNO(tcgetattr(null.get(), &t), ENOTTY);
  Pipe pipe;
  EXPECT_ERRNO(tcgetattr(pipe.read.get(), &t), ENOTTY);
  EXPECT_FALSE(isatty(pipe.read.get()));
}

TEST_F(Pty, ControllingTerminalIsAcquired) {
  InChild([&] {
    ASSERT_OK(setsid());
    EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    EXPECT_ERRNO(tcgetsid(s()), ENOTTY);
    ASSERT_OK(ioctl(s(), TIOCSCTTY, 0));
    EXPECT_EQ(getpid(), tcgetsid(s()));
    EXPECT_EQ(getpid(), tcgetpgrp(s()));
    Fd tty(open("/dev/tty", O_RDWR));
    ASSERT_TRUE(tty.valid());
    EXPECT_EQ(1, write(tty.get(), "!", 1));
  });
  EXPECT_EQ("!", Take(m()));
}

TEST_F(Pty, OpeningASlaveAcquiresItUnlessNoctty) {
  InChild([&] {
    ASSERT_OK(setsid());
    Fd without(open(name_.c_str(), O_RDWR | O_NOCTTY));
    EXPECT_ERRNO(tcgetsid(s()), ENOTTY);
    Fd with(open(name_.c_str(), O_RDWR));
    EXPECT_EQ(getpid(), tcgetsid(s()));
  });
}

TEST_F(Pty, OnlySessionLeadersAcquire) {
  InChild([&] {
    ASSERT_OK(setsid());
    InChild([&] { EXPECT_ERRNO(ioctl(s(), TIOCSCTTY, 0), EPERM); });
    ASSERT_OK(ioctl(s(), TIOCSCTTY, 0));
    EXPECT_OK(ioctl(s(), TIOCSCTTY, 0)) << "again is fine";
  });
}

TEST_F(Pty, InterruptGoesToTheForegroundGroup) {
  Event ready;
  Child child([&] {
    TakeTerminal();
    ready.Set();
    pause();
  });
  ready.Wait();
  Type("\x03");
  EXPECT_EQ(SIGINT, WTERMSIG(child.Wait()));
  EXPECT_EQ("^C", TakeAll(m(), 2));
}

TEST_F(Pty, QuitAndSuspendCharacters) {
  Event ready;
  Child child([&] {
    TakeTerminal();
    // In a group of its own below the leader, so that the group is not orphaned.
    pid_t inner = fork();
    if (inner == 0) {
      setpgid(0, 0);
      signal(SIGTTOU, SIG_IGN);
      tcsetpgrp(s(), getpid());
      ready.Set();
      for (;;) pause();
    }
    int status = 0;
    EXPECT_EQ(inner, waitpid(inner, &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP) << DescribeStatus(status);
    kill(inner, SIGCONT);
    ready.Set();
    EXPECT_EQ(inner, waitpid(inner, &status, 0));
    EXPECT_EQ(SIGQUIT, WTERMSIG(status));
  });
  ready.Wait();
  Type("\x1a");
  ready.Wait();
  Type("\x1c");
  child.ExpectSuccess();
}

TEST_F(Pty, SignalCharactersFlushInput) {
  Event ready, go;
  Child child([&] {
    signal(SIGINT, SIG_IGN);
    TakeTerminal();
    ready.Set();
    go.Wait();
    EXPECT_EQ("after\n", Take(s()));
  });
  ready.Wait();
  Type(
      "before\x03"
      "after\n");
  go.Set();
  child.ExpectSuccess();
}

TEST_F(Pty, BackgroundReadStopsWithSigttin) {
  InChild([&] {
    TakeTerminal();
    Child background([&] {
      setpgid(0, 0);
      char c;
      EXPECT_EQ(-1, read(s(), &c, 1));
    });
    int status = 0;
    EXPECT_EQ(background.pid(), waitpid(background.pid(), &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN) << DescribeStatus(status);
  });
}

TEST_F(Pty, BackgroundReadWithSigttinIgnoredIsEio) {
  InChild([&] {
    TakeTerminal();
    InChild([&] {
      setpgid(0, 0);
      signal(SIGTTIN, SIG_IGN);
      char c;
      EXPECT_ERRNO(read(s(), &c, 1), EIO);
    });
  });
}

TEST_F(Pty, BackgroundWriteStopsOnlyWithTostop) {
  InChild([&] {
    TakeTerminal();
    InChild([&] {
      setpgid(0, 0);
      Print("free");
    });
    Modify([](termios& t) { t.c_lflag |= TOSTOP; });
    Child background([&] {
      setpgid(0, 0);
      Print("stopped");
    });
    int status = 0;
    EXPECT_EQ(background.pid(), waitpid(background.pid(), &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU) << DescribeStatus(status);
  });
}

TEST_F(Pty, BackgroundChangeOfSettingsStops) {
  InChild([&] {
    TakeTerminal();
    Child background([&] {
      setpgid(0, 0);
      Set(Get());
    });
    int status = 0;
    EXPECT_EQ(background.pid(), waitpid(background.pid(), &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU) << DescribeStatus(status);
  });
}

TEST_F(Pty, ForegroundGroupRules) {
  InChild([&] {
    EXPECT_ERRNO(tcgetpgrp(s()), ENOTTY);
    EXPECT_ERRNO(tcsetpgrp(s(), getpgrp()), ENOTTY);
    TakeTerminal();
    EXPECT_ERRNO(tcsetpgrp(s(), 0x3ffffff), ESRCH);
    EXPECT_ERRNO(tcsetpgrp(s(), -1), EINVAL);
    EXPECT_ERRNO(tcsetpgrp(s(), getppid()), EPERM) << "a group of another session";
    Child member([&] {
      setpgid(0, 0);
      pause();
    });
    setpgid(member.pid(), member.pid());
    EXPECT_OK(tcsetpgrp(s(), member.pid()));
    EXPECT_EQ(member.pid(), tcgetpgrp(s()));
  });
}

TEST_F(Pty, WindowChangeSignalsTheForegroundGroup) {
  Event ready, got;
  Child child([&] {
    sigset_t set = SignalSet({SIGWINCH});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    TakeTerminal();
    ready.Set();
    EXPECT_EQ(SIGWINCH, sigwaitinfo(&set, nullptr));
  });
  ready.Wait();
  winsize w = {10, 20, 0, 0};
  EXPECT_OK(ioctl(m(), TIOCSWINSZ, &w));
  child.ExpectSuccess();
}

TEST_F(Pty, HangupSignalsTheSessionLeader) {
  Event ready;
  Child child([&] {
    TakeTerminal();
    master_.Reset();
    ready.Set();
    pause();
  });
  ready.Wait();
  master_.Reset();
  EXPECT_EQ(SIGHUP, WTERMSIG(child.Wait()));
}

TEST_F(Pty, LeaderExitHangsUpTheForegroundGroup) {
  InChild([&] {
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    Pipe pipe;
    InChild([&] {
      TakeTerminal();
      pid_t member = fork();
      if (member == 0) {
        for (;;) pause();
      }
      EXPECT_EQ(4, write(pipe.write.get(), &member, sizeof(member)));
    });
    pid_t member = 0;
    EXPECT_EQ(4, read(pipe.read.get(), &member, sizeof(member)));
    int status = 0;
    EXPECT_EQ(member, waitpid(member, &status, 0));
    EXPECT_EQ(SIGHUP, WTERMSIG(status));
  });
}

TEST_F(Pty, NottyGivesUpTheTerminal) {
  InChild([&] {
    TakeTerminal();
    signal(SIGHUP, SIG_IGN);
    EXPECT_OK(ioctl(s(), TIOCNOTTY));
    EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
  });
}

TEST_F(Pty, ProcStatShowsTheTerminal) {
  InChild([&] {
    TakeTerminal();
    std::string stat = ReadFile("/proc/self/stat");
    int group = 0, session = 0, tty = 0, foreground = 0;
    ASSERT_EQ(4,
              sscanf(stat.c_str() + stat.rfind(')') + 1, " %*c %*d %d %d %d %d", &group, &session, &tty, &foreground));
    struct stat st;
    fstat(s(), &st);
    EXPECT_EQ(getpid(), session);
    EXPECT_EQ(getpid(), foreground);
    EXPECT_EQ(static_cast<int>(minor(st.st_rdev) | 136 << 8), tty);
  });
}

TEST_F(Pty, PacketModeReportsFlushes) {
  int on = 1;
  ASSERT_OK(ioctl(m(), TIOCPKT, &on));
  Print("x");
  EXPECT_EQ(std::string(1, '\0') + "x", Take(m()));
  EXPECT_OK(tcflush(s(), TCIFLUSH));
  std::string control = Take(m());
  ASSERT_EQ(1u, control.size());
  EXPECT_TRUE(control[0] & TIOCPKT_FLUSHREAD);
}

TEST_F(Pty, ManyPairsExistAtOnce) {
  std::vector<Fd> masters;
  for (int i = 0; i < 20; ++i) {
    masters.emplace_back(posix_openpt(O_RDWR | O_NOCTTY));
    ASSERT_TRUE(masters.back().valid());
  }
}

}  // namespace
}  // namespace guest
