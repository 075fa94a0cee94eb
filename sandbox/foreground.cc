#include "sandbox/foreground.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <memory>

#include "runsc/common/user_error.h"
#include "sandbox/control_client.h"

namespace runsc {
namespace {

// Not passed on: what is about this process itself.
constexpr int kOwnSignals[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG, SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

sigset_t forwarded_set() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int signal : kOwnSignals) ::sigdelset(&set, signal);
  return set;
}

class Attendant {
 public:
  Attendant(Sandbox& sandbox, ForwardedSignals& signals, UniqueFd console, const std::string& control_socket)
      : sandbox_(sandbox), signals_(signals), control_socket_(control_socket) {
    if (console) relay_ = std::make_unique<ConsoleRelay>(std::move(console));
  }

  int run() {
    while (!sandbox_.boot_exited() && !sandbox_.gofer_exited()) turn();
    const int status = sandbox_.finish();
    // What the container wrote before it ended is still in the console.
    while (relay_ && output_open_ && relay_->read_output() && poll_master()) {
    }
    return status;
  }

 private:
  bool poll_master() {
    pollfd entry{.fd = relay_->master(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLIN) != 0;
  }

  void turn() {
    const bool input = relay_ && relay_->wants_input();
    const auto master_events = static_cast<short>(relay_ ? POLLIN | (relay_->wants_to_write() ? POLLOUT : 0) : 0);
    pollfd entries[] = {{.fd = sandbox_.boot_pidfd(), .events = POLLIN, .revents = 0},
                        {.fd = sandbox_.gofer_pidfd(), .events = POLLIN, .revents = 0},
                        {.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                        {.fd = input ? 0 : -1, .events = POLLIN, .revents = 0},
                        {.fd = relay_ && output_open_ ? relay_->master() : -1, .events = master_events, .revents = 0}};
    if (::poll(entries, std::size(entries), -1) < 0) return;
    while (const auto signal = signals_.next()) forward(*signal);
    if (entries[3].revents != 0) relay_->read_input();
    if ((entries[4].revents & POLLOUT) != 0) relay_->write_pending();
    if ((entries[4].revents & (POLLIN | POLLHUP | POLLERR)) != 0) output_open_ = relay_->read_output();
  }

  void forward(int signal) {
    if (signal == SIGWINCH && relay_) {
      relay_->copy_window_size();
      send("resize");
      return;
    }
    // A sandbox that takes no requests can still be ended from its terminal.
    if (!send("signal " + std::to_string(signal)) && (signal == SIGINT || signal == SIGTERM || signal == SIGQUIT)) {
      sandbox_.kill();
    }
  }

  bool send(const std::string& request) {
    try {
      if (!control_) control_ = std::make_unique<ControlClient>(control_socket_);
      return control_->post(request);
    } catch (const UserError&) {
      return false;
    }
  }

  Sandbox& sandbox_;
  ForwardedSignals& signals_;
  const std::string& control_socket_;
  std::unique_ptr<ConsoleRelay> relay_;
  bool output_open_ = true;
  std::unique_ptr<ControlClient> control_;
};

}  // namespace

ForwardedSignals::ForwardedSignals() {
  const sigset_t set = forwarded_set();
  ::sigprocmask(SIG_BLOCK, &set, &previous_);
  fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw_system_error("signalfd");
}

ForwardedSignals::~ForwardedSignals() { ::sigprocmask(SIG_SETMASK, &previous_, nullptr); }

std::optional<int> ForwardedSignals::next() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

int attend(Sandbox& sandbox, ForwardedSignals& signals, UniqueFd console, const std::string& control_socket) {
  return Attendant(sandbox, signals, std::move(console), control_socket).run();
}

}  // namespace runsc
