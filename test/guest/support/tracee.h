// For tests of ptrace(2).
#ifndef TEST_GUEST_SUPPORT_TRACEE_H_
#define TEST_GUEST_SUPPORT_TRACEE_H_

#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/guest/support/child.h"

// <sys/ptrace.h> and <linux/ptrace.h> cannot be included together.
namespace guest {

template <typename A = long, typename D = long>
long Trace(long request, pid_t pid, A address = 0, D data = 0) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

inline int WaitFor(pid_t pid) {
  int status = -1;
  EXPECT_EQ(pid, waitpid(pid, &status, __WALL)) << ErrnoText(errno);
  return status;
}

inline int StopOf(int signal) { return signal << 8 | 0x7f; }
inline int EventOf(int event, int signal = SIGTRAP) { return (signal | event << 8) << 8 | 0x7f; }

// A tracee that has stopped itself with SIGSTOP before `body`.
class Tracee : public Child {
 public:
  explicit Tracee(const Body& body)
      : Child([&] {
          if (Trace(PTRACE_TRACEME, 0) != 0) _exit(99);
          raise(SIGSTOP);
          body();
        }) {
    EXPECT_EQ(StopOf(SIGSTOP), WaitFor(pid()));
  }
  int Go(long request = PTRACE_CONT, int signal = 0) {
    EXPECT_OK(Trace(request, pid(), 0, signal));
    return WaitFor(pid());
  }
  user_regs_struct Registers() {
    user_regs_struct registers = {};
    EXPECT_OK(Trace(PTRACE_GETREGS, pid(), 0, &registers));
    return registers;
  }
};

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_TRACEE_H_
