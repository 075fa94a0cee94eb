// The files under /proc that programs read.
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/temp_dir.h"

extern char** environ;

namespace guest {
namespace {

std::string Link(const std::string& path) {
  char target[PATH_MAX] = {};
  EXPECT_OK(readlink(path.c_str(), target, sizeof(target) - 1)) << path;
  return target;
}

// "Key:\tvalue" lines.
std::map<std::string, std::string> Fields(const std::string& path) {
  std::map<std::string, std::string> out;
  std::istringstream lines(ReadFile(path));
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    size_t value = line.find_first_not_of(" \t", colon + 1);
    out[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
  }
  return out;
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

GUEST_ROLE(hold) {
  char c;
  if (write(1, "r", 1) != 1) return 1;
  return read(0, &c, 1) < 0 ? 1 : 0;
}

// A process running this program with known arguments and environment.
class Held {
 public:
  Held()
      : child_([this] {
          dup2(in_.read.get(), 0);
          dup2(out_.write.get(), 1);
          const char* env[] = {"KEY=value", "EMPTY=", nullptr};
          execve(SelfPath().c_str(), RoleArgs("hold", {"arg one", ""}).argv(), const_cast<char**>(env));
        }) {
    char c;
    EXPECT_EQ(1, read(out_.read.get(), &c, 1));
    // It is on its way into a read that blocks.
    while (ReadFile(Path("stat")).find(") S ") == std::string::npos) usleep(1000);
  }
  std::string Path(const std::string& name) { return "/proc/" + std::to_string(child_.pid()) + "/" + name; }
  pid_t pid() const { return child_.pid(); }

 private:
  Pipe in_, out_;
  Child child_;
};

TEST(ProcPid, CmdlineIsZeroTerminatedArguments) {
  EXPECT_EQ(std::string("self\0--role\0hold\0arg one\0\0", 26), ReadFile(Held().Path("cmdline")));
}

TEST(ProcPid, EnvironIsTheInitialEnvironment) {
  EXPECT_EQ(std::string("KEY=value\0EMPTY=\0", 17), ReadFile(Held().Path("environ")));
}

TEST(ProcPid, CommFollowsTheProgram) {
  std::string base = SelfPath().substr(SelfPath().rfind('/') + 1).substr(0, 15);
  EXPECT_EQ(base + "\n", ReadFile(Held().Path("comm")));
}

TEST(ProcPid, ExeCwdAndRootAreLinks) {
  Held held;
  EXPECT_EQ(SelfPath(), Link(held.Path("exe")));
  EXPECT_EQ("/", Link(held.Path("root")));
  char cwd[PATH_MAX];
  EXPECT_EQ(getcwd(cwd, sizeof(cwd)), Link(held.Path("cwd")));
}

TEST(ProcPid, StatFields) {
  Held held;
  std::string stat = ReadFile(held.Path("stat"));
  EXPECT_EQ(0u, stat.find(std::to_string(held.pid()) + " ("));
  std::vector<std::string> fields = Words(stat.substr(stat.rfind(')') + 1));
  ASSERT_EQ(50u, fields.size());
  EXPECT_EQ("S", fields[0]);
  EXPECT_EQ(std::to_string(getpid()), fields[1]);
  EXPECT_EQ(std::to_string(getpgid(held.pid())), fields[2]);
  EXPECT_EQ(std::to_string(getsid(held.pid())), fields[3]);
  EXPECT_EQ("1", fields[17]) << "threads";
  EXPECT_GT(std::stoll(fields[19]), 0) << "start time";
  EXPECT_GT(std::stoll(fields[20]), 0) << "virtual size";
  EXPECT_GT(std::stoll(fields[21]), 0) << "resident pages";
}

TEST(ProcPid, StatusFields) {
  Held held;
  auto status = Fields(held.Path("status"));
  EXPECT_EQ(std::to_string(held.pid()), status["Pid"]);
  EXPECT_EQ(std::to_string(held.pid()), status["Tgid"]);
  EXPECT_EQ(std::to_string(getpid()), status["PPid"]);
  EXPECT_EQ("1", status["Threads"]);
  EXPECT_EQ(0u, status["State"].find("S (sleeping)"));
  EXPECT_EQ("0022", status["Umask"]);
  for (const char* key :
       {"Name",       "Uid",     "Gid",          "FDSize", "Groups", "VmSize", "VmRSS",  "SigQ",   "SigPnd",
        "ShdPnd",     "SigBlk",  "SigIgn",       "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
        "NoNewPrivs", "Seccomp", "Cpus_allowed", "VmPeak", "VmData", "VmStk",  "VmExe",  "VmLib"}) {
    EXPECT_EQ(1u, status.count(key)) << key;
  }
  EXPECT_NE(std::string::npos, status["VmRSS"].find(" kB"));
}

TEST(ProcPid, SignalMasksInStatus) {
  InChild([] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGHUP, [](int) {});
    auto status = Fields("/proc/self/status");
    EXPECT_EQ("0000000000000200", status["SigBlk"]);
    EXPECT_EQ("0000000000000800", status["SigIgn"]);
    EXPECT_EQ("0000000000000001", status["SigCgt"]);
    kill(getpid(), SIGUSR1);
    EXPECT_EQ("0000000000000200", Fields("/proc/self/status")["ShdPnd"]);
  });
}

TEST(ProcPid, StatmHasSevenNumbers) {
  std::vector<std::string> fields = Words(ReadFile("/proc/self/statm"));
  ASSERT_EQ(7u, fields.size());
  EXPECT_GT(std::stol(fields[0]), std::stol(fields[1]));
  EXPECT_GT(std::stol(fields[1]), 0);
}

TEST(ProcPid, FdsAreLinksToWhatIsOpen) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "content");
  Fd file(open((dir / "f").c_str(), O_RDONLY));
  Pipe pipe;
  std::string prefix = "/proc/self/fd/";
  EXPECT_EQ(dir / "f", Link(prefix + std::to_string(file.get())));
  std::string name = Link(prefix + std::to_string(pipe.read.get()));
  EXPECT_EQ(0u, name.find("pipe:[")) << name;
  EXPECT_EQ(name, Link(prefix + std::to_string(pipe.write.get())));
  struct stat s;
  ASSERT_OK(lstat((prefix + std::to_string(pipe.read.get())).c_str(), &s));
  EXPECT_EQ(0500u, s.st_mode & 0777) << "the link's mode tells the access mode";
  EXPECT_ERRNO(access("/proc/self/fd/12345", F_OK), ENOENT);
}

TEST(ProcPid, OpeningAnFdLinkIsANewDescription) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "content");
  Fd file(open((dir / "f").c_str(), O_RDONLY));
  unlink((dir / "f").c_str());
  lseek(file.get(), 3, SEEK_SET);
  EXPECT_EQ("content", ReadFile("/proc/self/fd/" + std::to_string(file.get())));
}

TEST(ProcPid, FdinfoShowsOffsetAndFlags) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "content");
  Fd file(open((dir / "f").c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  lseek(file.get(), 5, SEEK_SET);
  auto info = Fields("/proc/self/fdinfo/" + std::to_string(file.get()));
  EXPECT_EQ("5", info["pos"]);
  EXPECT_EQ(O_RDWR | O_APPEND | O_CLOEXEC, std::stol(info["flags"], nullptr, 8) & ~0100000);
}

TEST(ProcPid, TaskListsThreads) {
  Event go;
  pid_t tid = 0;
  Event ready;
  std::thread thread([&] {
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    prctl(PR_SET_NAME, "worker");
    ready.Set();
    go.Wait();
  });
  ready.Wait();
  std::string base = "/proc/self/task/" + std::to_string(tid);
  EXPECT_EQ("worker\n", ReadFile(base + "/comm"));
  EXPECT_EQ(std::to_string(tid), Fields(base + "/status")["Pid"]);
  EXPECT_EQ(std::to_string(getpid()), Fields(base + "/status")["Tgid"]);
  EXPECT_EQ("2", Fields("/proc/self/status")["Threads"]);
  EXPECT_OK(access(("/proc/" + std::to_string(tid)).c_str(), F_OK)) << "reachable though not listed";
  go.Set();
  thread.join();
  while (access(base.c_str(), F_OK) == 0) usleep(1000);
}

TEST(ProcPid, SelfAndThreadSelf) {
  EXPECT_EQ(std::to_string(getpid()), Link("/proc/self"));
  std::thread([] {
    EXPECT_EQ(std::to_string(getpid()) + "/task/" + std::to_string(syscall(SYS_gettid)), Link("/proc/thread-self"));
  }).join();
  InChild([] { EXPECT_EQ(std::to_string(getpid()), Link("/proc/self")); });
}

TEST(ProcPid, LimitsTable) {
  InChild([] {
    rlimit limit = {7, 100};
    setrlimit(RLIMIT_NOFILE, &limit);
    limit = {0, RLIM_INFINITY};
    rlimit now;
    getrlimit(RLIMIT_CORE, &now);
    limit.rlim_max = now.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    std::string text = ReadFile("/proc/self/limits");
    EXPECT_EQ(0u, text.find("Limit                     Soft Limit           Hard Limit           Units"));
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      if (line.find("Max open files") == 0) {
        EXPECT_EQ((std::vector<std::string>{"Max", "open", "files", "7", "100", "files"}), Words(line));
      }
    }
    EXPECT_EQ(17, count);
  });
}

TEST(ProcPid, AuxvMatchesGetauxval) {
  std::string raw = ReadFile("/proc/self/auxv");
  ASSERT_EQ(0u, raw.size() % sizeof(ElfW(auxv_t)));
  std::map<uint64_t, uint64_t> values;
  for (size_t i = 0; i < raw.size(); i += sizeof(ElfW(auxv_t))) {
    ElfW(auxv_t) entry;
    memcpy(&entry, raw.data() + i, sizeof(entry));
    values[entry.a_type] = entry.a_un.a_val;
  }
  for (uint64_t type : {AT_PHDR, AT_PHNUM, AT_PHENT, AT_ENTRY, AT_PAGESZ, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE,
                        AT_RANDOM, AT_CLKTCK, AT_EXECFN, AT_SYSINFO_EHDR}) {
    EXPECT_EQ(getauxval(type), values[type]) << type;
  }
  EXPECT_EQ(4096u, values[AT_PAGESZ]);
  EXPECT_EQ(100u, values[AT_CLKTCK]);
}

TEST(ProcPid, MountinfoAndMounts) {
  std::istringstream lines(ReadFile("/proc/self/mountinfo"));
  std::map<std::string, std::string> types;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> words = Words(line);
    size_t dash = 0;
    while (dash < words.size() && words[dash] != "-") ++dash;
    ASSERT_LT(dash + 2, words.size()) << line;
    ASSERT_GE(dash, 6u) << line;
    types[words[4]] = words[dash + 1];
  }
  EXPECT_EQ("proc", types["/proc"]);
  EXPECT_EQ(1u, types.count("/"));
  std::string mounts = ReadFile("/proc/mounts");
  EXPECT_NE(std::string::npos, mounts.find(" /proc proc "));
  EXPECT_EQ(mounts, ReadFile("/proc/self/mounts"));
  EXPECT_EQ("self/mounts", Link("/proc/mounts"));
}

TEST(ProcPid, OomScoreAdjRoundTrips) {
  InChild([] {
    {
      Fd fd(open("/proc/self/oom_score_adj", O_RDWR));
      ASSERT_TRUE(fd.valid());
      EXPECT_EQ(3, write(fd.get(), "500", 3));
      EXPECT_ERRNO(write(fd.get(), "1001", 4), EINVAL);
    }
    EXPECT_EQ("500\n", ReadFile("/proc/self/oom_score_adj"));
  });
}

TEST(ProcPid, OomScoreAdjGoesNoLowerThanWhatTheMightySet) {
  InChild([] {
    const auto write_score = [](const std::string& text) {
      Fd fd(open("/proc/self/oom_score_adj", O_WRONLY));
      return write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
    };
    const int least = std::stoi(ReadFile("/proc/self/oom_score_adj"));
    ASSERT_EQ(0, setresuid(1, 1, 1));  // and with it every capability
    prctl(PR_SET_DUMPABLE, 1);         // or the file belongs to root
    EXPECT_EQ(0, write_score("1000"));
    EXPECT_EQ(EACCES, write_score("-1000"));
    EXPECT_EQ(0, write_score(std::to_string(std::max(least, 0) + 1)));
  });
}

TEST(ProcPid, NamespaceLinks) {
  for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "user"}) {
    std::string link = Link(std::string("/proc/self/ns/") + name);
    EXPECT_EQ(0u, link.find(std::string(name) + ":[")) << link;
  }
}

TEST(ProcPid, EndedProcessDisappears) {
  std::string path;
  {
    Held held;
    path = held.Path("stat");
    EXPECT_OK(access(path.c_str(), F_OK));
  }
  EXPECT_ERRNO(access(path.c_str(), F_OK), ENOENT);
}

TEST(ProcPid, OpenFileOfAnEndedProcessIsEsrch) {
  auto held = std::make_unique<Held>();
  Fd fd(open(held->Path("stat").c_str(), O_RDONLY));
  held.reset();
  char c;
  EXPECT_ERRNO(read(fd.get(), &c, 1), ESRCH);
}

TEST(ProcPid, OtherUsersSecretsAreClosed) {
  REQUIRE_ROOT();
  Held held;
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(open(held.Path("environ").c_str(), O_RDONLY), EACCES);
    EXPECT_ERRNO(open(held.Path("mem").c_str(), O_RDONLY), EACCES);
    char target[64];
    EXPECT_ERRNO(readlink(held.Path("exe").c_str(), target, 64), EACCES);
    EXPECT_ERRNO(open(held.Path("fd").c_str(), O_RDONLY), EACCES);
    EXPECT_TRUE(Fd(open(held.Path("stat").c_str(), O_RDONLY)).valid());
    EXPECT_TRUE(Fd(open(held.Path("cmdline").c_str(), O_RDONLY)).valid());
  });
}

TEST(ProcFile, PreadFollowsTheText) {
  std::string whole = ReadFile("/proc/version");
  Fd fd(open("/proc/version", O_RDONLY));
  char buffer[6] = {};
  EXPECT_EQ(5, pread(fd.get(), buffer, 5, 2));
  EXPECT_EQ(whole.substr(2, 5), buffer);
  EXPECT_EQ(3, lseek(fd.get(), 3, SEEK_SET));
  EXPECT_EQ(whole.substr(3), ReadAll(fd.get()));
}

TEST(ProcFile, ByteByByteEqualsWhole) {
  std::string whole = ReadFile("/proc/self/limits"), bytes;
  Fd fd(open("/proc/self/limits", O_RDONLY));
  char c;
  while (read(fd.get(), &c, 1) == 1) bytes.push_back(c);
  EXPECT_EQ(whole, bytes);
}

TEST(ProcSystem, Meminfo) {
  auto info = Fields("/proc/meminfo");
  for (const char* key : {"MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapTotal", "SwapFree"}) {
    ASSERT_EQ(1u, info.count(key)) << key;
    EXPECT_NE(std::string::npos, info[key].find("kB")) << key;
  }
  struct sysinfo s;
  sysinfo(&s);
  EXPECT_EQ(s.totalram * s.mem_unit / 1024, std::stoul(info["MemTotal"]));
}

TEST(ProcSystem, CpuinfoHasEveryProcessor) {
  std::string text = ReadFile("/proc/cpuinfo");
  long count = 0;
  for (size_t at = text.find("processor\t:"); at != std::string::npos; at = text.find("processor\t:", at + 1)) ++count;
  EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), count);
  EXPECT_NE(std::string::npos, text.find("flags\t\t: "));
  EXPECT_NE(std::string::npos, text.find("model name\t: "));
}

TEST(ProcSystem, StatLoadavgUptime) {
  std::string stat = ReadFile("/proc/stat");
  EXPECT_EQ(0u, stat.find("cpu  "));
  for (const char* key : {"\ncpu0 ", "\nintr ", "\nctxt ", "\nbtime ", "\nprocesses ", "\nprocs_running "}) {
    EXPECT_NE(std::string::npos, stat.find(key)) << key;
  }
  EXPECT_EQ(5u, Words(ReadFile("/proc/loadavg")).size());
  std::vector<std::string> uptime = Words(ReadFile("/proc/uptime"));
  ASSERT_EQ(2u, uptime.size());
  EXPECT_GT(std::stod(uptime[0]), 0);
}

TEST(ProcSystem, VersionFilesystemsAndSelf) {
  utsname name;
  uname(&name);
  EXPECT_EQ(0u, ReadFile("/proc/version").find(std::string("Linux version ") + name.release));
  std::string filesystems = ReadFile("/proc/filesystems");
  EXPECT_NE(std::string::npos, filesystems.find("nodev\tproc\n"));
  EXPECT_NE(std::string::npos, filesystems.find("nodev\ttmpfs\n"));
}

TEST(ProcSys, KernelNamesMatchUname) {
  utsname name;
  uname(&name);
  EXPECT_EQ(std::string(name.nodename) + "\n", ReadFile("/proc/sys/kernel/hostname"));
  EXPECT_EQ(std::string(name.release) + "\n", ReadFile("/proc/sys/kernel/osrelease"));
  EXPECT_EQ("Linux\n", ReadFile("/proc/sys/kernel/ostype"));
  EXPECT_EQ(std::string(name.version) + "\n", ReadFile("/proc/sys/kernel/version"));
}

TEST(ProcSys, NumbersAreNumbers) {
  for (const char* path :
       {"kernel/pid_max", "kernel/cap_last_cap", "kernel/shmmax", "kernel/ngroups_max", "kernel/msgmax",
        "vm/overcommit_memory", "vm/mmap_min_addr", "fs/nr_open", "fs/pipe-max-size", "kernel/random/entropy_avail"}) {
    std::string text = ReadFile(std::string("/proc/sys/") + path);
    ASSERT_FALSE(text.empty()) << path;
    EXPECT_TRUE(isdigit(text[0])) << path << " " << text;
    EXPECT_EQ('\n', text.back()) << path;
  }
}

TEST(ProcSys, BootIdIsStableUuidIsNot) {
  std::string boot = ReadFile("/proc/sys/kernel/random/boot_id");
  EXPECT_EQ(37u, boot.size());
  EXPECT_EQ(boot, ReadFile("/proc/sys/kernel/random/boot_id"));
  EXPECT_NE(ReadFile("/proc/sys/kernel/random/uuid"), ReadFile("/proc/sys/kernel/random/uuid"));
}

TEST(ProcFs, CannotBeChanged) {
  EXPECT_ERRNO(mkdir("/proc/x", 0755), ENOENT);
  EXPECT_ERRNO(open("/proc/x", O_CREAT | O_WRONLY, 0600), ENOENT);
  EXPECT_EQ(-1, unlink("/proc/version"));
  EXPECT_EQ(-1, rmdir("/proc/self/fd"));
  EXPECT_ERRNO(open("/proc/self/status/x", O_RDONLY), ENOTDIR);
}

}  // namespace
}  // namespace guest
