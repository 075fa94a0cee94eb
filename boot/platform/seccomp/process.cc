#include "boot/platform/seccomp/process.h"

#include <sys/wait.h>

#include <csignal>

namespace runsc::seccomp {

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, 0);
  return *this;
}

bool Process::alive() const {
  if (pid_ == 0) return false;
  siginfo_t info{};
  const int status = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
  return status == 0 && info.si_pid == 0;
}

int Process::kill_and_tell() const {
  if (pid_ == 0) return 0;
  kill();
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | __WALL) < 0 && errno == EINTR) {
  }
  return info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED ? info.si_status : 0;
}

void Process::send(int signal) const {
  if (pid_ != 0) ::kill(pid_, signal);
}

int Process::end(rusage* usage) {
  kill();
  return join(usage);
}

int Process::join(rusage* usage) {
  if (pid_ == 0) return 0;
  int status = 0;
  while (wait4(pid_, &status, __WALL, usage) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return status;
}

}  // namespace runsc::seccomp
