// One child process of the boot process: an agent or an application thread.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "boot/base/result.h"

namespace runsc::seccomp {

// Owns the pid: until it is reaped the number cannot name another process. Ended by SIGKILL and reaped when destroyed.
class Process {
 public:
  Process() = default;
  explicit Process(pid_t pid) : pid_(pid) {}
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Process& operator=(Process&& other) noexcept;
  ~Process() { end(); }

  // 0: none.
  pid_t pid() const { return pid_; }
  // False once it has died; it is not reaped by asking.
  bool alive() const;
  void kill() const { send(9); }
  // Kills, waits for the end without reaping, and returns the signal that ended it (which may have come first) or 0.
  int kill_and_tell() const;
  void send(int signal) const;
  // Kills and reaps. Returns the wait status (waitpid(2)), 0 when there was no process. `usage`: what it has used.
  int end(rusage* usage = nullptr);
  // Reaps without killing.
  int join(rusage* usage = nullptr);

 private:
  pid_t pid_ = 0;
};

}  // namespace runsc::seccomp
