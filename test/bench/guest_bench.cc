// Micro-benchmarks of system calls: guest_bench [--time=MS] [--dir=NAME=PATH].. [FILTER..]
//
// Prints `name ns` lines: nanoseconds for one operation, the median of three runs, each long enough to be measured.
// Files are made in each directory given (their names become part of the benchmark's name) and removed again.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace {

// Does the operation `count` times.
using Operation = std::function<void(long count)>;

struct Benchmark {
  std::string name;
  Operation run;
};

void Die(const char* what) {
  fprintf(stderr, "guest_bench: %s: %s\n", what, strerror(errno));
  _exit(1);
}

long Check(long result, const char* what) {
  if (result == -1) Die(what);
  return result;
}

double Now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double Time(const Operation& run, long count) {
  double start = Now();
  run(count);
  return Now() - start;
}

// Nanoseconds for one operation: grows the count until a run lasts long enough, then takes the median of three.
double Measure(const Operation& run, double target_ns) {
  long count = 1;
  double elapsed = Time(run, count);
  while (elapsed < target_ns) {
    double grow = elapsed > 0 ? target_ns / elapsed * 1.2 : 10;
    count = static_cast<long>(static_cast<double>(count) * std::clamp(grow, 1.5, 10.0)) + 1;
    elapsed = Time(run, count);
  }
  double runs[3] = {elapsed, Time(run, count), Time(run, count)};
  std::sort(runs, runs + 3);
  return runs[1] / static_cast<double>(count);
}

__attribute__((noinline)) pid_t VforkExec(const char* self) {
  pid_t pid = vfork();
  if (pid == 0) {
    execl(self, "guest_bench", "--exit", nullptr);
    _exit(1);
  }
  return pid;
}

void AddProcess(std::vector<Benchmark>* out, const char* self) {
  out->push_back({"getpid", [](long n) {
                    for (long i = 0; i < n; ++i) syscall(SYS_getpid);
                  }});
  out->push_back({"getppid", [](long n) {
                    for (long i = 0; i < n; ++i) syscall(SYS_getppid);
                  }});
  out->push_back({"clock_gettime", [](long n) {
                    timespec t;
                    for (long i = 0; i < n; ++i) clock_gettime(CLOCK_MONOTONIC, &t);
                  }});
  out->push_back({"fork_wait", [](long n) {
                    for (long i = 0; i < n; ++i) {
                      pid_t pid = static_cast<pid_t>(Check(fork(), "fork"));
                      if (pid == 0) _exit(0);
                      Check(waitpid(pid, nullptr, 0), "waitpid");
                    }
                  }});
  out->push_back({"fork_exec_wait", [self](long n) {
                    for (long i = 0; i < n; ++i) {
                      pid_t pid = static_cast<pid_t>(Check(fork(), "fork"));
                      if (pid == 0) {
                        execl(self, "guest_bench", "--exit", nullptr);
                        _exit(1);
                      }
                      Check(waitpid(pid, nullptr, 0), "waitpid");
                    }
                  }});
  out->push_back({"vfork_exec_wait", [self](long n) {
                    for (long i = 0; i < n; ++i) Check(waitpid(VforkExec(self), nullptr, 0), "waitpid");
                  }});
  out->push_back({"thread_create_join", [](long n) {
                    for (long i = 0; i < n; ++i) {
                      pthread_t thread;
                      if (pthread_create(
                              &thread, nullptr, [](void* p) { return p; }, nullptr) != 0)
                        Die("pthread_create");
                      pthread_join(thread, nullptr);
                    }
                  }});
}

void AddMemory(std::vector<Benchmark>* out) {
  out->push_back({"mmap_touch_munmap", [](long n) {
                    for (long i = 0; i < n; ++i) {
                      void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                      if (p == MAP_FAILED) Die("mmap");
                      *static_cast<volatile char*>(p) = 1;
                      munmap(p, 4096);
                    }
                  }});
  // Per page, of a mapping that is not made of huge pages. 2 MiB again and again: larger blocks of free memory may have
  // been given back by the virtual machine, and fetching them would be measured instead.
  out->push_back({"page_fault", [](long n) {
                    constexpr long kPages = 512;
                    auto* p = static_cast<volatile char*>(
                        mmap(nullptr, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
                    if (p == MAP_FAILED) Die("mmap");
                    madvise(const_cast<char*>(p), kPages * 4096, MADV_NOHUGEPAGE);
                    for (long done = 0; done < n; done += kPages) {
                      long pages = std::min(kPages, n - done);
                      for (long page = 0; page < pages; ++page) p[page * 4096] = 1;
                      Check(madvise(const_cast<char*>(p), kPages * 4096, MADV_DONTNEED), "madvise");
                    }
                    munmap(const_cast<char*>(p), kPages * 4096);
                  }});
}

// One operation is there and back again: two context switches.
void PingPong(long n) {
  int there[2], back[2];
  Check(pipe(there), "pipe");
  Check(pipe(back), "pipe");
  char c = 0;
  pid_t pid = static_cast<pid_t>(Check(fork(), "fork"));
  if (pid == 0) {
    close(there[1]);
    close(back[0]);
    while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1) {
    }
    _exit(0);
  }
  close(there[0]);
  close(back[1]);
  for (long i = 0; i < n; ++i) {
    Check(write(there[1], &c, 1), "write");
    Check(read(back[0], &c, 1), "read");
  }
  close(there[1]);
  close(back[0]);
  waitpid(pid, nullptr, 0);
}

void AddFiles(std::vector<Benchmark>* out, const std::string& name, const std::string& dir) {
  std::string path = dir + "/guest_bench." + std::to_string(getpid());
  static std::vector<char> buffer(65536, 'x');
  int fd = static_cast<int>(Check(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600), path.c_str()));
  Check(write(fd, buffer.data(), buffer.size()), "write");
  for (size_t size : {1, 4096, 65536}) {
    out->push_back({"read_" + std::to_string(size) + "_" + name, [fd, size](long n) {
                      for (long i = 0; i < n; ++i) Check(pread(fd, buffer.data(), size, 0), "pread");
                    }});
    out->push_back({"write_" + std::to_string(size) + "_" + name, [fd, size](long n) {
                      for (long i = 0; i < n; ++i) Check(pwrite(fd, buffer.data(), size, 0), "pwrite");
                    }});
  }
  out->push_back({"open_close_" + name, [path](long n) {
                    for (long i = 0; i < n; ++i) close(static_cast<int>(Check(open(path.c_str(), O_RDONLY), "open")));
                  }});
  out->push_back({"stat_" + name, [path](long n) {
                    struct stat s;
                    for (long i = 0; i < n; ++i) Check(stat(path.c_str(), &s), "stat");
                  }});
}

bool Wanted(const std::string& name, const std::vector<std::string>& filters) {
  return filters.empty() || std::any_of(filters.begin(), filters.end(),
                                        [&](const std::string& f) { return name.find(f) != std::string::npos; });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--exit") == 0) return 0;
  static char self[4096];
  Check(readlink("/proc/self/exe", self, sizeof(self) - 1), "readlink");
  double target_ns = 150e6;
  std::vector<Benchmark> benchmarks;
  std::vector<std::pair<std::string, std::string>> dirs;
  std::vector<std::string> filters;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    if (arg.rfind("--time=", 0) == 0) {
      target_ns = atof(argv[i] + 7) * 1e6;
    } else if (arg.rfind("--dir=", 0) == 0) {
      size_t equal = arg.find('=', 6);
      dirs.emplace_back(arg.substr(6, equal - 6), arg.substr(equal + 1));
    } else {
      filters.push_back(arg);
    }
  }
  AddProcess(&benchmarks, self);
  AddMemory(&benchmarks);
  benchmarks.push_back({"pipe_ping_pong", PingPong});
  for (auto& [name, dir] : dirs) AddFiles(&benchmarks, name, dir);
  for (const Benchmark& b : benchmarks) {
    if (!Wanted(b.name, filters)) continue;
    printf("%s %.0f\n", b.name.c_str(), Measure(b.run, target_ns));
    fflush(stdout);
  }
  for (auto& [name, dir] : dirs) unlink((dir + "/guest_bench." + std::to_string(getpid())).c_str());
  return 0;
}
