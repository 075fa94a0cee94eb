#include "sandbox/foreground.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <memory>

#include "control/client/client.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// Not passed on: what is about this process itself.
constexpr int kOwnSignals[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG, SIGSEGV, SIGBUS,
                               SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

// A sandbox that is as busy as it can be answers sooner.
constexpr std::chrono::seconds kPatience{10};

sigset_t forwarded_set() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int signal : kOwnSignals) ::sigdelset(&set, signal);
  return set;
}

class Attendant {
 public:
  Attendant(Attended& process, ForwardedSignals& signals, UniqueFd console) : process_(process), signals_(signals) {
    if (console) console_ = std::make_unique<ConsoleRelay>(std::move(console));
  }

  int run() {
    while (!turn()) {
    }
    const int status = process_.finish();
    // What the process wrote before it ended is still in the console.
    while (console_ && output_open_ && console_->read_output() && poll_master()) {
    }
    return status;
  }

 private:
  bool poll_master() {
    pollfd entry{.fd = console_->master(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & POLLIN) != 0;
  }

  // True: the process has ended.
  bool turn() {
    const bool input = console_ && console_->wants_input();
    const auto master_events = static_cast<short>(console_ ? POLLIN | (console_->wants_to_write() ? POLLOUT : 0) : 0);
    std::vector<pollfd> entries = {
        {.fd = signals_.fd(), .events = POLLIN, .revents = 0},
        {.fd = input ? 0 : -1, .events = POLLIN, .revents = 0},
        {.fd = console_ && output_open_ ? console_->master() : -1, .events = master_events, .revents = 0}};
    const std::size_t first_process = entries.size();
    for (const int pidfd : process_.pidfds()) entries.push_back({.fd = pidfd, .events = POLLIN, .revents = 0});
    if (::poll(entries.data(), entries.size(), -1) < 0) return false;
    while (const auto signal = signals_.next()) forward(*signal);
    if (entries[1].revents != 0) console_->read_input();
    if ((entries[2].revents & POLLOUT) != 0) console_->write_pending();
    if ((entries[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) output_open_ = console_->read_output();
    for (std::size_t i = first_process; i < entries.size(); ++i) {
      if (entries[i].revents != 0) return true;
    }
    return false;
  }

  void forward(int signal) {
    if (signal == SIGWINCH && console_) {
      console_->copy_window_size();
      process_.resize();
    } else {
      process_.send(signal);
    }
  }

  Attended& process_;
  ForwardedSignals& signals_;
  std::unique_ptr<ConsoleRelay> console_;
  bool output_open_ = true;
};

class AttendedSandbox : public Attended {
 public:
  AttendedSandbox(Sandbox& sandbox, const std::string& control_socket)
      : sandbox_(sandbox), control_socket_(control_socket) {}

  std::vector<int> pidfds() const override { return {sandbox_.boot_pidfd(), sandbox_.gofer_pidfd()}; }
  void resize() override {
    request([](control::Client& client) { client.resize("", 0, {}); });
  }
  int finish() override { return sandbox_.finish(); }
  void send(int signal) override {
    // A sandbox that takes no requests can still be ended from its terminal.
    const bool sent = request([signal](control::Client& client) { client.signal("", {}, signal); });
    if (!sent && (signal == SIGINT || signal == SIGTERM || signal == SIGQUIT)) sandbox_.kill();
  }

 private:
  // False when the sandbox does not take it. A refusal (the process has just ended) is an answer.
  template <typename Request>
  bool request(Request&& send) {
    try {
      if (!control_) control_ = std::make_unique<control::Client>(control_socket_, kPatience);
      send(*control_);
      return true;
    } catch (const control::ControlError& error) {
      if (error.cause() == control::ControlError::Cause::kRefused) return true;
      control_.reset();
    } catch (const UserError&) {
    }
    return false;
  }

  Sandbox& sandbox_;
  const std::string& control_socket_;
  std::unique_ptr<control::Client> control_;
};

class AttendedRelay : public Attended {
 public:
  explicit AttendedRelay(Relay& relay) : relay_(relay) {}
  std::vector<int> pidfds() const override { return {relay_.pidfd()}; }
  // The relay hears of it from the terminal.
  void resize() override {}
  void send(int signal) override { relay_.send(signal); }
  int finish() override { return relay_.wait(); }

 private:
  Relay& relay_;
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

int attend(Attended& process, ForwardedSignals& signals, UniqueFd console) {
  return Attendant(process, signals, std::move(console)).run();
}

int attend(Sandbox& sandbox, ForwardedSignals& signals, UniqueFd console, const std::string& control_socket) {
  AttendedSandbox attended(sandbox, control_socket);
  return attend(attended, signals, std::move(console));
}

int attend(Relay& relay, ForwardedSignals& signals, UniqueFd console) {
  AttendedRelay attended(relay);
  return attend(attended, signals, std::move(console));
}

}  // namespace runsc
