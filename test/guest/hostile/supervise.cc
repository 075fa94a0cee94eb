#include "test/guest/hostile/supervise.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <string>

#include "test/guest/heavy/check.h"

namespace hostile {
namespace {

void Bound(int resource, rlim_t value) {
  rlimit limit = {};
  getrlimit(resource, &limit);
  limit.rlim_cur = limit.rlim_max < value ? limit.rlim_max : value;
  limit.rlim_max = limit.rlim_cur;
  setrlimit(resource, &limit);
}

void BoundEverything() {
  Bound(RLIMIT_AS, rlim_t{1} << 30);
  Bound(RLIMIT_FSIZE, 1 << 20);
  Bound(RLIMIT_CPU, 10);
  Bound(RLIMIT_CORE, 0);
  Bound(RLIMIT_NOFILE, 256);
  signal(SIGXFSZ, SIG_IGN);
}

// Random calls must not write to the report.
void GiveUpStandardStreams() {
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  if (null > 2) close(null);
}

pid_t ParentOf(const std::string& pid) {
  int fd = open(("/proc/" + pid + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  char text[512] = {};
  ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  const char* end = n > 0 ? strrchr(text, ')') : nullptr;
  int parent = -1;
  return end != nullptr && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : -1;
}

// Kills every child of this process (orphans of attacks were adopted); true when there was one.
bool KillChildren() {
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return false;
  bool any = false;
  while (dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (ParentOf(entry->d_name) != getpid()) continue;
    any = true;
    kill(atoi(entry->d_name), SIGKILL);
  }
  closedir(proc);
  return any;
}

void ReapAll() {
  while (KillChildren()) {
    while (waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
    }
    usleep(200);
  }
}

}  // namespace

void StartSupervising() {
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  CHECK(sigprocmask(SIG_BLOCK, &child, nullptr) == 0);
}

int Attack(const std::function<void()>& attack, int milliseconds) {
  fflush(stdout);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    BoundEverything();
    GiveUpStandardStreams();
    attack();
    _exit(0);
  }
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  int status = 0;
  while (waitpid(pid, &status, WNOHANG | __WALL) == 0) {
    if (sigtimedwait(&child, nullptr, &limit) > 0 || errno == EINTR) continue;
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, __WALL) == pid);
    break;
  }
  ReapAll();
  return status;
}

void CheckSanity(const char* after) {
  int fds[2];
  CHECK(pipe(fds) == 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) _exit(write(fds[1], after, strlen(after)) > 0 ? 42 : 1);
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  std::string got(strlen(after), 0);
  CHECK(read(fds[0], got.data(), got.size()) == static_cast<ssize_t>(got.size()));
  CHECK(got == after);
  close(fds[0]);
  close(fds[1]);
  printf("hostile: %s survived\n", after);
  fflush(stdout);
}

}  // namespace hostile
