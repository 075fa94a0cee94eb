#include "sandbox/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"
#include "sandbox/spawn.h"

namespace runsc {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// What the hook reads: in a file, so that nobody has to write while it runs.
UniqueFd state_file(const std::string& text) {
  UniqueFd fd(::memfd_create("state", MFD_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    throw_system_error("write the state for hooks");
  }
  return fd;
}

[[noreturn]] void execute(const oci::Hook& hook, int input) {
  std::vector<std::string> args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  std::vector<std::string> env = hook.env;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_WRONLY);
  if (::dup2(input, 0) == 0 && ::dup2(null, 1) == 1) {
    ::syscall(SYS_close_range, 3, ~0U, 0);
    ::execve(hook.path.c_str(), pointers(args).data(), pointers(env).data());
  }
  ::_exit(errno == ENOENT ? 127 : 126);
}

// False when the time is over.
bool wait_for(int pidfd, int seconds) {
  pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
  int result = 0;
  do {
    result = ::poll(&entry, 1, seconds > 0 ? seconds * 1000 : -1);
  } while (result < 0 && errno == EINTR);
  return result > 0;
}

void run_hook(const std::string& what, const oci::Hook& hook, const std::string& state_json) {
  const UniqueFd input = state_file(state_json);
  const pid_t pid = ::fork();
  if (pid < 0) throw_system_error(what);
  if (pid == 0) execute(hook, input.get());
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool in_time = wait_for(pidfd.get(), hook.timeout);
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) throw UserError(what + ": not finished after " + std::to_string(hook.timeout) + " s");
  if (status != 0) throw UserError(what + ": " + describe_status(status));
}

}  // namespace

void run_hooks(const char* kind, const std::vector<oci::Hook>& hooks, const std::string& state_json) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    run_hook("error running " + std::string(kind) + " hook #" + std::to_string(i) + " (" + hooks[i].path + ")",
             hooks[i], state_json);
  }
}

}  // namespace runsc
