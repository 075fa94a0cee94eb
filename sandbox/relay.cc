#include "sandbox/relay.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "runsc/common/sanitizer_reports.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using control::Client;
using control::ControlError;
using control::SignalTarget;

constexpr int kKilled = 128 + SIGKILL;  // what a process is to its parent whose sandbox is gone
constexpr char kBegun = 'b';
constexpr char kFailed = 'f';

// Nothing ends or stops a relay but SIGKILL and SIGSTOP.
UniqueFd take_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  UniqueFd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw_system_error("signalfd");
  return fd;
}

void close_others(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (fd < 3 || number < next) continue;
    if (number > next) ::syscall(SYS_close_range, next, number - 1, 0);
    next = number + 1;
  }
  ::syscall(SYS_close_range, next, ~0U, 0);
}

// The relay lives long: it must not hold on to the caller's streams, directory or terminal.
void let_go_of_caller() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd < 3; ++fd) ::dup2(null.get(), fd);
  if (::chdir("/") != 0) throw_system_error("chdir /");
  redirect_sanitizer_reports();
}

class RelayMain {
 public:
  RelayMain(const RelayRequest& request, int gate, int report) : request_(request), gate_(gate), report_(report) {}

  int run() {
    try {
      begin();
    } catch (const std::exception& error) {
      say(kFailed, error.what());
      return kKilled;
    }
    try {
      return attend();
    } catch (const std::exception&) {
      return kKilled;
    }
  }

 private:
  // A session of its own: keys of the caller's terminal are the caller's to pass on.
  void begin() {
    ::prctl(PR_SET_NAME, "runsc-relay", 0, 0, 0);
    std::vector<int> kept = request_.fds;
    kept.insert(kept.end(), {gate_, report_, request_.terminal});
    close_others(kept);
    ::setsid();
    if (!gate_opens()) ::_exit(kKilled);
    signals_ = take_signals();
    client_.emplace(request_.control_socket);
    process_ = request_.begin(*client_);
    for (const int fd : request_.fds) {
      if (fd > 2 && fd != request_.terminal) ::close(fd);
    }
    let_go_of_caller();
    // The host then tells the session's leader, which is this process, when the window changes.
    if (request_.terminal >= 0) ::ioctl(request_.terminal, TIOCSCTTY, 0);
    say(kBegun, "");
    ::close(report_);
  }

  // False: the caller has given up, or has been killed.
  bool gate_opens() const {
    char byte = 0;
    ssize_t count = 0;
    do {
      count = ::read(gate_, &byte, 1);
    } while (count < 0 && errno == EINTR);
    return count == 1;
  }

  void say(char what, const std::string& text) const {
    const std::string message = what + text;
    // The gate tells of a caller that has been killed meanwhile.
    if (::write(report_, message.data(), message.size()) < 0) return;
  }

  int attend() {
    control::PendingExit end = process_ != 0 ? client_->wait_process(request_.container, process_, true)
                                             : client_->wait_container(request_.container, true);
    if (!gate_opens()) return give_up();
    ::close(gate_);
    while (true) {
      if (const auto status = end.next(signals_.get())) {
        return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
      }
      signalfd_siginfo info{};
      while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) pass_on(info);
    }
  }

  // A process ends with our connection, which its wait is tied to. A container would be kept, as one that has ended.
  int give_up() {
    if (process_ == 0) client_->destroy_container(request_.container);
    return kKilled;
  }

  void pass_on(const signalfd_siginfo& info) {
    const int signal = static_cast<int>(info.ssi_signo);
    const bool from_host = info.ssi_code == SI_KERNEL;
    // The host's terminal hung up: the sandbox sees that for itself.
    if (signal == SIGCHLD || signal == SIGPIPE || (signal == SIGHUP && from_host)) return;
    try {
      if (signal == SIGWINCH && request_.terminal >= 0) {
        client_->resize(request_.container, process_, {});
      } else {
        client_->signal(request_.container, target(), signal);
      }
    } catch (const ControlError& error) {
      // It is too late, or the sandbox is going: the wait tells.
      if (error.cause() == ControlError::Cause::kBroken) throw;
    }
  }

  SignalTarget target() const {
    if (process_ == 0) return {SignalTarget::Kind::kInit, 0};
    return {SignalTarget::Kind::kProcess, process_};
  }

  const RelayRequest& request_;
  int gate_;
  int report_;
  UniqueFd signals_;
  std::optional<Client> client_;
  int process_ = 0;
};

// A plain fork with a pidfd.
pid_t fork_with_pidfd(int* pidfd) {
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
}

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_system_error("pipe");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// A socket, which can be written to without a signal when the other end is gone.
Pipe make_gate() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw_system_error("socketpair");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string read_all(int fd) {
  std::string out;
  char chunk[4096];
  while (true) {
    const ssize_t count = ::read(fd, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return out;
    out.append(chunk, static_cast<std::size_t>(count));
  }
}

}  // namespace

Relay::Relay(const RelayRequest& request) {
  Pipe gate = make_gate();
  Pipe report = make_pipe();
  int pidfd = -1;
  pid_ = fork_with_pidfd(&pidfd);
  if (pid_ < 0) throw_system_error("fork the relay process");
  if (pid_ == 0) {
    gate.writer.reset();
    ::_exit(RelayMain(request, gate.reader.get(), report.writer.get()).run());
  }
  pidfd_.reset(pidfd);
  gate_ = std::move(gate.writer);
  report_ = std::move(report.reader);
}

Relay::~Relay() {
  if (!pidfd_) return;
  send(SIGKILL);
  wait();
}

void Relay::begin() {
  if (::send(gate_.get(), "g", 1, MSG_NOSIGNAL) != 1) throw UserError("the relay process was killed");
  const std::string answer = read_all(report_.get());
  if (!answer.empty() && answer[0] == kBegun) return;
  throw UserError(answer.size() > 1 ? answer.substr(1) : "the relay process was killed");
}

void Relay::commit() {
  // One that is gone by now is seen by who waits for it.
  if (gate_) ::send(gate_.get(), "c", 1, MSG_NOSIGNAL);
  gate_.reset();
}

void Relay::release() {
  commit();
  pidfd_.reset();
}

void Relay::send(int signal) const { ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0); }

int Relay::wait() {
  pidfd_.reset();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return kKilled;
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace runsc
