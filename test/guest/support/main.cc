// The main function of every guest test: roles first (see role.h), then the tests from a known signal state.
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "gtest/gtest.h"
#include "test/guest/support/role.h"

extern char** environ;

namespace guest {
namespace {

std::map<std::string, RoleMain>& Roles() {
  static std::map<std::string, RoleMain> roles;
  return roles;
}

// Whoever starts the tests may have left signals blocked or ignored (shells and Python do).
void ResetSignals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Without the library, which hides two signals of its own.
  const struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } default_action = {};
  for (int signal = 1; signal <= 64; ++signal) syscall(SYS_rt_sigaction, signal, &default_action, nullptr, 8);
}

// As the first process of a pid namespace the tests would be immune to signals and inherit strangers: leave that part
// to a process of its own.
void LeaveInitBehind() {
  if (getpid() != 1) return;
  pid_t tests = fork();
  if (tests <= 0) return;
  for (;;) {
    int status = 0;
    pid_t pid = wait(&status);
    if (pid == tests) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
}

}  // namespace

Role::Role(const char* name, RoleMain main) { Roles()[name] = main; }

RoleArgs::RoleArgs(const std::string& role, const std::vector<std::string>& arguments)
    : strings_{"self", "--role", role} {
  strings_.insert(strings_.end(), arguments.begin(), arguments.end());
  for (std::string& s : strings_) pointers_.push_back(s.data());
  pointers_.push_back(nullptr);
}

const std::string& SelfPath() {
  static const std::string path = [] {
    char buffer[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", buffer, sizeof(buffer));
    return n < 0 ? std::string("/proc/self/exe") : std::string(buffer, static_cast<size_t>(n));
  }();
  return path;
}

void ExecRole(const std::string& role, const std::vector<std::string>& arguments) {
  execve(SelfPath().c_str(), RoleArgs(role, arguments).argv(), environ);
}

}  // namespace guest

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "--role") == 0) {
    auto role = guest::Roles().find(argv[2]);
    return role == guest::Roles().end() ? 125 : role->second(argc - 3, argv + 3);
  }
  guest::ResetSignals();
  guest::LeaveInitBehind();
  umask(022);
  guest::SelfPath();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
