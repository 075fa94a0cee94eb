#include "sandbox/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

#include "boot/base/printable.h"
#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"
#include "sandbox/spawn.h"

namespace runsc {
namespace {

// Of what a hook says on one stream, the part that an error shows.
constexpr std::size_t kLongestText = 4096;
constexpr int kReadsOfFullPipe = 16;
constexpr std::int64_t kLongestPoll = 1'000'000;  // milliseconds

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

std::string one_line(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return printable(text);
}

// Both ends of what a hook says on one stream.
struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_system_error("make a pipe for a hook");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

[[noreturn]] void execute(const oci::Hook& hook, int input, int output, int errors) {
  std::vector<std::string> args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  std::vector<std::string> env = hook.env;
  reset_signals(SIG_DFL);
  if (::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(errors, 2) == 2) {
    ::syscall(SYS_close_range, 3, ~0U, 0);
    ::execve(hook.path.c_str(), pointers(args).data(), pointers(env).data());
  }
  const int error = errno;
  ::dprintf(STDERR_FILENO, "%s", std::strerror(error));
  ::_exit(error == ENOENT ? 127 : 126);
}

// A hook that runs: what it says, and whether it ends in time.
class RunningHook {
 public:
  RunningHook(pid_t pid, UniqueFd output, UniqueFd errors, int seconds)
      : pid_(pid),
        pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
        streams_{{"stdout", std::move(output)}, {"stderr", std::move(errors)}} {
    if (seconds > 0) deadline_ = Clock::now() + std::chrono::seconds(seconds);
  }

  // Its wait status; nullopt: it was killed because its time was over.
  std::optional<int> wait() {
    const bool in_time = wait_for_end();
    if (!in_time) ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    // What is in the pipes already, and no more: a process that the hook has left behind may hold their other ends.
    for (Stream& stream : streams_) {
      for (int reads = 0; reads < kReadsOfFullPipe && read_some(stream); ++reads) {
      }
    }
    return in_time ? std::optional(status) : std::nullopt;
  }

  // ", stderr: no such device"
  std::string said() const {
    std::string out;
    for (const Stream& stream : streams_) {
      const std::string text = one_line(stream.text);
      if (!text.empty()) out += std::string(", ") + stream.name + ": " + text;
    }
    return out;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Stream {
    const char* name;
    UniqueFd fd;
    std::string text{};
  };

  // Milliseconds; -1: for ever.
  int time_left() const {
    if (!deadline_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, kLongestPoll));
  }

  bool wait_for_end() {
    while (true) {
      pollfd entries[] = {{.fd = pidfd_.get(), .events = POLLIN, .revents = 0},
                          {.fd = streams_[0].fd.get(), .events = POLLIN, .revents = 0},
                          {.fd = streams_[1].fd.get(), .events = POLLIN, .revents = 0}};
      const int result = ::poll(entries, 3, time_left());
      if (result < 0 && errno != EINTR) throw_system_error("poll");
      if (result > 0 && entries[0].revents != 0) return true;
      for (int i = 0; i < 2; ++i) {
        if (result > 0 && entries[i + 1].revents != 0) read_some(streams_[i]);
      }
      if (deadline_ && Clock::now() >= *deadline_) return false;
    }
  }

  // False when there is nothing now. Keeps the beginning, and reads on so that nobody blocks.
  static bool read_some(Stream& stream) {
    pollfd entry{.fd = stream.fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 0) <= 0) return false;
    char bytes[4096];
    const ssize_t count = ::read(stream.fd.get(), bytes, sizeof(bytes));
    if (count <= 0) {
      stream.fd.reset();
      return false;
    }
    const auto size = std::min(static_cast<std::size_t>(count), kLongestText - stream.text.size());
    stream.text.append(bytes, size);
    return true;
  }

  pid_t pid_;
  UniqueFd pidfd_;
  Stream streams_[2];
  std::optional<Clock::time_point> deadline_;
};

}  // namespace

void run_hook(const char* kind, std::size_t index, const oci::Hook& hook, const std::string& state_json) {
  const std::string what =
      "error running " + std::string(kind) + " hook #" + std::to_string(index) + " (" + hook.path + ")";
  const UniqueFd input = state_file(state_json);
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const pid_t pid = ::fork();
  if (pid < 0) throw_system_error(what);
  if (pid == 0) execute(hook, input.get(), output.writer.get(), errors.writer.get());
  output.writer.reset();
  errors.writer.reset();
  RunningHook running(pid, std::move(output.reader), std::move(errors.reader), hook.timeout);
  const auto status = running.wait();
  if (!status) throw UserError(what + ": not finished after " + std::to_string(hook.timeout) + " s" + running.said());
  if (*status != 0) throw UserError(what + ": " + describe_status(*status) + running.said());
}

void run_hooks(const char* kind, const std::vector<oci::Hook>& hooks, const std::string& state_json) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    run_hook(kind, i, hooks[i], state_json);
  }
}

}  // namespace runsc
