// execve and execveat: which files can be executed, and what survives.
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include <fstream>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

extern char** environ;

namespace guest {
namespace {

GUEST_ROLE(echo_args) {
  for (int i = 0; i < argc; ++i) printf("[%s]", argv[i]);
  return 0;
}

GUEST_ROLE(echo_env) {
  for (char** e = environ; *e != nullptr; ++e) printf("[%s]", *e);
  return 0;
}

GUEST_ROLE(exit_with) { return atoi(argv[0]); }

GUEST_ROLE(fd_open) { return IsOpen(atoi(argv[0])) ? 1 : 0; }

GUEST_ROLE(comm) {
  char name[16];
  prctl(PR_GET_NAME, name);
  printf("%s", name);
  return 0;
}

GUEST_ROLE(threads_and_pid) {
  std::string status = ReadFile("/proc/self/status");
  if (status.find("Threads:\t1\n") == std::string::npos) return 2;
  if (syscall(SYS_gettid) != getpid()) return 3;
  printf("%d", getpid());
  return 0;
}

// Prints the dispositions of three signals and the mask.
GUEST_ROLE(signal_state) {
  for (int s : {SIGUSR1, SIGUSR2, SIGHUP}) {
    struct sigaction action;
    sigaction(s, nullptr, &action);
    printf("%c", action.sa_handler == SIG_DFL ? 'd' : action.sa_handler == SIG_IGN ? 'i' : 'h');
  }
  sigset_t mask, pending;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  sigpending(&pending);
  stack_t stack;
  sigaltstack(nullptr, &stack);
  printf("%d%d%d", sigismember(&mask, SIGTERM), sigismember(&pending, SIGTERM), stack.ss_flags == SS_DISABLE);
  return 0;
}

GUEST_ROLE(real_timer_left) {
  itimerval timer;
  getitimer(ITIMER_REAL, &timer);
  return timer.it_value.tv_sec > 0 ? 1 : 0;
}

GUEST_ROLE(dumpable) { return prctl(PR_GET_DUMPABLE); }

// What `exec` (which replaces its process) makes its process print on standard output.
std::string OutputOf(const std::function<void()>& exec, int* status = nullptr) {
  Pipe pipe;
  Child child([&] {
    dup2(pipe.write.get(), 1);
    exec();
    fprintf(stderr, "exec: %s\n", ErrnoText(errno).c_str());
    _exit(127);
  });
  pipe.write.Reset();
  std::string out = ReadAll(pipe.read.get());
  int s = child.Wait();
  if (status != nullptr) {
    *status = s;
  } else {
    EXPECT_EQ(0, s) << DescribeStatus(s);
  }
  return out;
}

// execve of `path` in a child; the errno of the failure, or 0 when it was executed.
int ExecError(const std::string& path, std::vector<std::string> arguments = {"x"}) {
  int status = StatusOf([&] {
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    execve(path.c_str(), argv.data(), environ);
    _exit(errno);
  });
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

std::string Script(const ScopedTempDir& dir, const std::string& name, const std::string& content) {
  std::string path = dir / name;
  WriteFile(path, content, 0755);
  return path;
}

TEST(Execve, PassesArgumentsUnchanged) {
  EXPECT_EQ("[a][][b c][\xff]", OutputOf([] { ExecRole("echo_args", {"a", "", "b c", "\xff"}); }));
}

TEST(Execve, PassesEnvironmentUnchanged) {
  EXPECT_EQ("[A=1][B=][odd]", OutputOf([] {
              const char* env[] = {"A=1", "B=", "odd", nullptr};
              execve(SelfPath().c_str(), RoleArgs("echo_env").argv(), const_cast<char**>(env));
            }));
}

TEST(Execve, NullEnvironmentIsEmpty) {
  EXPECT_EQ("", OutputOf([] { syscall(SYS_execve, SelfPath().c_str(), RoleArgs("echo_env").argv(), nullptr); }));
}

TEST(Execve, KeepsThePid) {
  int status;
  Pipe pipe;
  Child child([&] {
    dup2(pipe.write.get(), 1);
    ExecRole("threads_and_pid");
  });
  pipe.write.Reset();
  EXPECT_EQ(std::to_string(child.pid()), ReadAll(pipe.read.get()));
  status = child.Wait();
  EXPECT_EQ(0, WEXITSTATUS(status));
}

TEST(Execve, KillsTheOtherThreads) {
  OutputOf([] {
    for (int i = 0; i < 4; ++i) std::thread([] { pause(); }).detach();
    ExecRole("threads_and_pid");
  });
}

TEST(Execve, FromASecondThreadTakesThePid) {
  Pipe pipe;
  Child child([&] {
    dup2(pipe.write.get(), 1);
    std::thread([] { ExecRole("threads_and_pid"); }).detach();
    for (;;) pause();
  });
  pipe.write.Reset();
  EXPECT_EQ(std::to_string(child.pid()), ReadAll(pipe.read.get()));
  child.ExpectSuccess();
}

TEST(Execve, StatusIsThatOfTheNewProgram) {
  EXPECT_EQ(77, WEXITSTATUS(StatusOf([] { ExecRole("exit_with", {"77"}); })));
}

TEST(Execve, ClosesMarkedDescriptors) {
  Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(0, WEXITSTATUS(StatusOf([&] { ExecRole("fd_open", {std::to_string(fd.get())}); })));
  fcntl(fd.get(), F_SETFD, 0);
  EXPECT_EQ(1, WEXITSTATUS(StatusOf([&] { ExecRole("fd_open", {std::to_string(fd.get())}); })));
}

TEST(Execve, FailureKeepsMarkedDescriptors) {
  InChild([] {
    Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_ERRNO(execl("/nonexistent", "x", nullptr), ENOENT);
    EXPECT_TRUE(IsOpen(fd.get()));
  });
}

TEST(Execve, UnsharesTheDescriptorTable) {
  // A vfork child shares memory, clone(CLONE_FILES) shares descriptors: closing at exec must not reach the parent.
  static char stack[65536];
  Fd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  int pid = clone(
      [](void*) {
        ExecRole("exit_with", {"0"});
        return 1;
      },
      stack + sizeof(stack), CLONE_FILES | SIGCHLD, nullptr);
  int status = -1;
  EXPECT_EQ(pid, waitpid(pid, &status, 0));
  EXPECT_EQ(0, status);
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(Execve, HandlersBecomeDefaultIgnoredStayMaskAndPendingStay) {
  EXPECT_EQ("did111", OutputOf([] {
              static char stack[65536];
              stack_t alt = {stack, 0, sizeof(stack)};
              sigaltstack(&alt, nullptr);
              signal(SIGUSR1, IgnoreSignal);
              signal(SIGUSR2, SIG_IGN);
              sigset_t set = SignalSet({SIGTERM});
              sigprocmask(SIG_BLOCK, &set, nullptr);
              raise(SIGTERM);
              ExecRole("signal_state");
            }));
}

TEST(Execve, KeepsIntervalTimer) {
  EXPECT_EQ(1, WEXITSTATUS(StatusOf([] {
              itimerval timer = {{0, 0}, {1000, 0}};
              setitimer(ITIMER_REAL, &timer, nullptr);
              ExecRole("real_timer_left");
            })));
}

TEST(Execve, CommIsTheBaseNameCutTo15) {
  ScopedTempDir dir;
  std::string link = dir / "a_name_longer_than_fifteen";
  ASSERT_OK(symlink(SelfPath().c_str(), link.c_str()));
  EXPECT_EQ("a_name_longer_t", OutputOf([&] { execve(link.c_str(), RoleArgs("comm").argv(), environ); }));
}

TEST(Execve, ProcExeIsTheResolvedFile) {
  ScopedTempDir dir;
  ASSERT_OK(symlink(SelfPath().c_str(), (dir / "link").c_str()));
  InChild([&] {
    char path[PATH_MAX] = {};
    ASSERT_OK(readlink("/proc/self/exe", path, sizeof(path) - 1));
    EXPECT_EQ(SelfPath(), path);
  });
}

TEST(Execve, MissingFileIsEnoent) { EXPECT_EQ(ENOENT, ExecError("/nonexistent")); }

TEST(Execve, EmptyPathIsEnoent) { EXPECT_EQ(ENOENT, ExecError("")); }

TEST(Execve, DirectoryIsEacces) { EXPECT_EQ(EACCES, ExecError("/tmp")); }

TEST(Execve, ComponentNotADirectoryIsEnotdir) { EXPECT_EQ(ENOTDIR, ExecError("/dev/null/x")); }

TEST(Execve, DeviceIsEacces) { EXPECT_EQ(EACCES, ExecError("/dev/null")); }

TEST(Execve, FileWithoutExecuteBitIsEaccesEvenForRoot) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "#!/bin/sh\n", 0644);
  EXPECT_EQ(EACCES, ExecError(dir / "f"));
}

TEST(Execve, ExecuteBitOfAnotherClassIsEaccesForAUser) {
  REQUIRE_ROOT();
  ScopedTempDir dir;
  Script(dir, "f", "#!/bin/sh\n");
  ASSERT_OK(chmod((dir / "f").c_str(), 0700));
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(execl((dir / "f").c_str(), "x", nullptr), EACCES); });
}

TEST(Execve, EmptyFileIsEnoexec) {
  ScopedTempDir dir;
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", "")));
}

TEST(Execve, TextWithoutInterpreterIsEnoexec) {
  ScopedTempDir dir;
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", "echo hello\n")));
}

TEST(Execve, TruncatedElfHeaderIsEnoexec) {
  ScopedTempDir dir;
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", "\177ELF\2\1\1")));
}

TEST(Execve, ElfOfAnotherMachineIsEnoexec) {
  ScopedTempDir dir;
  std::ifstream self(SelfPath(), std::ios::binary);
  std::string header(4096, 0);
  self.read(header.data(), 4096);
  header[18] = static_cast<char>(183);  // e_machine: EM_AARCH64
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", header)));
}

TEST(Execve, ElfWithoutProgramHeadersIsEnoexec) {
  ScopedTempDir dir;
  std::ifstream self(SelfPath(), std::ios::binary);
  std::string header(4096, 0);
  self.read(header.data(), 4096);
  header[56] = header[57] = 0;  // e_phnum
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", header)));
}

TEST(Execve, SymlinkLoopIsEloop) {
  ScopedTempDir dir;
  ASSERT_OK(symlink("loop", (dir / "loop").c_str()));
  EXPECT_EQ(ELOOP, ExecError(dir / "loop"));
}

TEST(Execve, NameTooLongIsEnametoolong) {
  EXPECT_EQ(ENAMETOOLONG, ExecError("/" + std::string(256, 'x')));
  EXPECT_EQ(ENAMETOOLONG, ExecError(std::string(PATH_MAX, '/')));
}

TEST(Execve, BadPointersAreEfault) {
  char* const bad = reinterpret_cast<char*>(8);
  char* good[] = {const_cast<char*>("x"), nullptr};
  char* bad_list[] = {bad, nullptr};
  const char* self = SelfPath().c_str();
  EXPECT_ERRNO(syscall(SYS_execve, bad, good, environ), EFAULT);
  EXPECT_ERRNO(syscall(SYS_execve, self, bad, environ), EFAULT);
  EXPECT_ERRNO(syscall(SYS_execve, self, good, bad), EFAULT);
  EXPECT_ERRNO(syscall(SYS_execve, self, bad_list, environ), EFAULT);
  EXPECT_ERRNO(syscall(SYS_execve, self, good, bad_list), EFAULT);
}

TEST(Execve, OneArgumentOver128KiBIsE2big) {
  EXPECT_EQ(E2BIG, ExecError(SelfPath(), {"x", std::string(32 * 4096, 'a')}));
}

TEST(Execve, OneArgumentJustUnder128KiBPasses) {
  std::string big(32 * 4096 - 1, 'a');
  EXPECT_EQ("[" + big + "]", OutputOf([&] { ExecRole("echo_args", {big}); }));
}

TEST(Execve, AQuarterOfTheStackLimitBoundsAllArguments) {
  EXPECT_EQ(E2BIG, ExecError(SelfPath(), std::vector<std::string>(30, std::string(100000, 'a'))));
}

TEST(Execve, SmallerStackLimitMeansFewerArguments) {
  EXPECT_EQ(E2BIG, WEXITSTATUS(StatusOf([] {
              rlimit limit = {};
              getrlimit(RLIMIT_STACK, &limit);
              limit.rlim_cur = 1 << 20;
              setrlimit(RLIMIT_STACK, &limit);
              ExecRole("exit_with", std::vector<std::string>(4, std::string(100000, 'a')));
              _exit(errno);
            })));
}

TEST(Execve, ThousandsOfArguments) {
  std::vector<std::string> many(5000, "a");
  EXPECT_EQ(15000u, OutputOf([&] { ExecRole("echo_args", many); }).size());
}

TEST(Execve, WritableFileIsEtxtbsy) {
  ScopedTempDir dir;
  std::string path = Script(dir, "f", "#!/bin/sh\n");
  Fd fd(open(path.c_str(), O_WRONLY));
  EXPECT_EQ(ETXTBSY, ExecError(path));
}

TEST(Execve, RunningProgramCannotBeOpenedForWriting) {
  ScopedTempDir dir;
  std::string copy = dir / "copy";
  WriteFile(copy, ReadFile(SelfPath()), 0755);
  Pipe in, out;
  Child child([&] {
    dup2(in.read.get(), 0);
    dup2(out.write.get(), 1);
    in.write.Reset();
    execve(copy.c_str(), RoleArgs("run_until_input_ends").argv(), environ);
  });
  char c;
  ASSERT_EQ(1, read(out.read.get(), &c, 1));
  EXPECT_ERRNO(open(copy.c_str(), O_WRONLY), ETXTBSY);
  EXPECT_ERRNO(truncate(copy.c_str(), 0), ETXTBSY);
  in.write.Reset();
  child.ExpectSuccess();
}

// Runs `path` until the returned pipe is closed.
class Running {
 public:
  explicit Running(const std::string& path)
      : child_([&] {
          dup2(in_.read.get(), 0);
          dup2(out_.write.get(), 1);
          in_.write.Reset();
          execve(path.c_str(), RoleArgs("run_until_input_ends").argv(), environ);
        }) {
    char c;
    EXPECT_EQ(1, read(out_.read.get(), &c, 1));
  }
  void End() {
    in_.write.Reset();
    child_.ExpectSuccess();
  }

 private:
  Pipe in_{O_CLOEXEC}, out_{O_CLOEXEC};
  Child child_;
};

TEST(TextBusy, OnlyWritingIsRefusedAndOnlyWhileItRuns) {
  ScopedTempDir dir;
  std::string copy = dir / "copy";
  WriteFile(copy, ReadFile(SelfPath()), 0755);
  Running program(copy);
  EXPECT_ERRNO(open(copy.c_str(), O_RDWR), ETXTBSY);
  EXPECT_ERRNO(open(copy.c_str(), O_RDONLY | O_TRUNC), ETXTBSY);
  EXPECT_ERRNO(open(copy.c_str(), O_WRONLY | O_CREAT, 0755), ETXTBSY);
  Fd reader(open(copy.c_str(), O_RDONLY));
  EXPECT_TRUE(reader.valid());
  EXPECT_ERRNO(open(("/proc/self/fd/" + std::to_string(reader.get())).c_str(), O_WRONLY), ETXTBSY);
  EXPECT_OK(chmod(copy.c_str(), 0700));
  EXPECT_OK(rename(copy.c_str(), (dir / "moved").c_str()));
  program.End();
  Fd writer(open((dir / "moved").c_str(), O_WRONLY | O_TRUNC));
  EXPECT_TRUE(writer.valid());
  EXPECT_EQ(ETXTBSY, ExecError(dir / "moved"));
}

TEST(TextBusy, LastsUntilTheLastProcessEnds) {
  ScopedTempDir dir;
  std::string copy = dir / "copy";
  WriteFile(copy, ReadFile(SelfPath()), 0755);
  Running first(copy), second(copy);
  first.End();
  EXPECT_ERRNO(truncate(copy.c_str(), 0), ETXTBSY);
  second.End();
  EXPECT_OK(truncate(copy.c_str(), 0));
}

TEST(TextBusy, ScriptsAndMappedFilesAreNot) {
  ScopedTempDir dir;
  std::string path = Script(dir, "f", "#!/bin/sh\n: > \"$0\"\n");
  EXPECT_EQ(0, ExecError(path));
  std::string library = dir / "library";
  WriteFile(library, std::string(4096, 'x'), 0755);
  Fd fd(open(library.c_str(), O_RDONLY));
  void* p = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd.get(), 0);
  ASSERT_OK(p);
  Fd writer(open(library.c_str(), O_WRONLY));
  EXPECT_TRUE(writer.valid());
  munmap(p, 4096);
}

TEST(TextBusy, MemoryFileThatIsOpenForWritingCanRun) {
  Fd memory(memfd_create("program", 0));
  const std::string self = ReadFile(SelfPath());
  ASSERT_EQ(ssize_t(self.size()), write(memory.get(), self.data(), self.size()));
  const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
  Running program(path);
  EXPECT_ERRNO(open(path.c_str(), O_WRONLY), ETXTBSY);
  program.End();
  Fd writer(open(path.c_str(), O_WRONLY));
  EXPECT_TRUE(writer.valid());
}

GUEST_ROLE(run_until_input_ends) {
  char c;
  return write(1, "r", 1) == 1 && read(0, &c, 1) == 0 ? 0 : 1;
}

TEST(Execve, ClearsDumpableAttributeChange) {
  EXPECT_EQ(1, WEXITSTATUS(StatusOf([] {
              prctl(PR_SET_DUMPABLE, 0);
              ExecRole("dumpable");
            })));
}

TEST(Script, GetsInterpreterArgumentPathAndArguments) {
  ScopedTempDir dir;
  // The first line's argument is one word, whatever blanks it has.
  ASSERT_OK(symlink(SelfPath().c_str(), (dir / "i").c_str()));
  std::string inner = Script(dir, "inner", "#!" + (dir / "i") + " --role\n");
  EXPECT_EQ(125, ExecError(inner, {"x"})) << "argv is {i, --role, path}: an unknown role";
}

TEST(Script, ArgumentIsOneWordWithoutTrailingBlanks) {
  ScopedTempDir dir;
  std::string path = Script(dir, "s", "#! /bin/busybox \t echo a  b \t \n");
  if (access("/bin/busybox", X_OK) != 0) GTEST_SKIP() << "no busybox";
  // busybox refuses the applet "echo a  b": the blanks inside were kept.
  int status;
  OutputOf(
      [&] {
        dup2(open("/dev/null", O_WRONLY), 2);
        execl(path.c_str(), "x", "c", nullptr);
      },
      &status);
  EXPECT_EQ(127, WEXITSTATUS(status));
}

TEST(Script, MissingInterpreterIsEnoent) {
  ScopedTempDir dir;
  EXPECT_EQ(ENOENT, ExecError(Script(dir, "f", "#!/nonexistent\n")));
}

TEST(Script, EmptyInterpreterIsEnoexec) {
  ScopedTempDir dir;
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "f", "#!\n")));
  EXPECT_EQ(ENOEXEC, ExecError(Script(dir, "g", "#!   \n")));
}

TEST(Script, MayInterpretAScript) {
  ScopedTempDir dir;
  ASSERT_OK(symlink(SelfPath().c_str(), (dir / "i").c_str()));
  std::string first = Script(dir, "a", "#!" + (dir / "i") + " --role\n");
  std::string second = Script(dir, "b", "#!" + first + "\n");
  EXPECT_EQ(125, ExecError(second));
}

TEST(Script, ManyLevelsAreEloop) {
  ScopedTempDir dir;
  std::string previous = SelfPath();
  for (int i = 0; i < 6; ++i) previous = Script(dir, std::to_string(i), "#!" + previous + "\n");
  EXPECT_EQ(ELOOP, ExecError(previous));
}

TEST(Execveat, RelativeToADirectory) {
  size_t slash = SelfPath().rfind('/');
  Fd dir(open(SelfPath().substr(0, slash).c_str(), O_PATH | O_DIRECTORY));
  EXPECT_EQ("[a]", OutputOf([&] {
              syscall(SYS_execveat, dir.get(), SelfPath().c_str() + slash + 1, RoleArgs("echo_args", {"a"}).argv(),
                      environ, 0);
            }));
}

TEST(Execveat, EmptyPathExecutesTheDescriptor) {
  Fd fd(open(SelfPath().c_str(), O_PATH));
  EXPECT_EQ("[a]", OutputOf([&] {
              syscall(SYS_execveat, fd.get(), "", RoleArgs("echo_args", {"a"}).argv(), environ, AT_EMPTY_PATH);
            }));
}

TEST(Execveat, EmptyPathNeedsTheFlag) {
  Fd fd(open(SelfPath().c_str(), O_PATH));
  EXPECT_ERRNO(syscall(SYS_execveat, fd.get(), "", RoleArgs("comm").argv(), environ, 0), ENOENT);
}

TEST(Execveat, NofollowRefusesALink) {
  ScopedTempDir dir;
  ASSERT_OK(symlink(SelfPath().c_str(), (dir / "l").c_str()));
  EXPECT_ERRNO(
      syscall(SYS_execveat, AT_FDCWD, (dir / "l").c_str(), RoleArgs("comm").argv(), environ, AT_SYMLINK_NOFOLLOW),
      ELOOP);
}

TEST(Execveat, ScriptByCloseOnExecDescriptorIsEnoent) {
  ScopedTempDir dir;
  Fd fd(open(Script(dir, "s", "#!/bin/sh\n").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_ERRNO(syscall(SYS_execveat, fd.get(), "", RoleArgs("comm").argv(), environ, AT_EMPTY_PATH), ENOENT);
}

TEST(Execveat, RefusesUnknownFlagsAndBadDescriptor) {
  EXPECT_ERRNO(syscall(SYS_execveat, AT_FDCWD, SelfPath().c_str(), RoleArgs("comm").argv(), environ, 0x8), EINVAL);
  EXPECT_ERRNO(syscall(SYS_execveat, -1, "x", RoleArgs("comm").argv(), environ, 0), EBADF);
  EXPECT_ERRNO(syscall(SYS_execveat, -1, "", RoleArgs("comm").argv(), environ, AT_EMPTY_PATH), EBADF);
}

TEST(Execveat, MemfdCanBeExecuted) {
  Fd memfd(memfd_create("copy", MFD_CLOEXEC));
  std::string image = ReadFile(SelfPath());
  ASSERT_EQ(static_cast<ssize_t>(image.size()), write(memfd.get(), image.data(), image.size()));
  Fd read_only(open(("/proc/self/fd/" + std::to_string(memfd.get())).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(read_only.valid());
  memfd.Reset();
  EXPECT_EQ("[a]", OutputOf([&] {
              syscall(SYS_execveat, read_only.get(), "", RoleArgs("echo_args", {"a"}).argv(), environ, AT_EMPTY_PATH);
            }));
}

TEST(Execve, SetuidFileChangesTheEffectiveUser) {
  REQUIRE_ROOT();
  ScopedTempDir dir;
  std::string path = dir / "setuid";
  WriteFile(path, ReadFile(SelfPath()), 0755);
  ASSERT_OK(chown(path.c_str(), kOtherUser, kOtherGroup));
  ASSERT_OK(chmod(path.c_str(), 06755));
  InChildAs(kUser, kGroup, [&] {
    std::string out = OutputOf([&] { execve(path.c_str(), RoleArgs("ids").argv(), environ); });
    EXPECT_EQ("1234 1235 1235 2345 2346 2346 1", out);
    // no_new_privs: the bits have no effect.
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    EXPECT_EQ("1234 1234 1234 2345 2345 2345 0",
              OutputOf([&] { execve(path.c_str(), RoleArgs("ids").argv(), environ); }));
  });
}

GUEST_ROLE(ids) {
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;
  getresuid(&ruid, &euid, &suid);
  getresgid(&rgid, &egid, &sgid);
  printf("%u %u %u %u %u %u %lu", ruid, euid, suid, rgid, egid, sgid, getauxval(AT_SECURE));
  return 0;
}

}  // namespace
}  // namespace guest
