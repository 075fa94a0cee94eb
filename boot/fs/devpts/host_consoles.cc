#include "boot/fs/devpts/host_consoles.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>

#include "boot/base/host_call.h"

namespace runsc {
namespace {

int milliseconds_until(std::int64_t at_ns) {
  const std::int64_t left = std::max<std::int64_t>(at_ns - now_ns(CLOCK_MONOTONIC), 0);
  return static_cast<int>(left / 1'000'000 + 1);
}

}  // namespace

// Consoles that somebody else still has end here: nobody carries their bytes any more.
HostConsoles::~HostConsoles() {
  State rest;
  {
    auto state = state_.lock();
    state->stopping = true;
    rest.bell = state->bell;
    rest.thread = std::move(state->thread);
  }
  if (rest.thread.joinable()) {
    rest.bell->ring();
    rest.thread.join();
  }
  for (const HostConsolePtr& console : consoles())
    if (!console->ended()) console->end();
}

Result<void> HostConsoles::watch_window_size(int terminal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGWINCH);
  TRY(HOST_CALL(::sigprocmask(SIG_BLOCK, &set, nullptr)));
  size_signal_ = UniqueFd(TRY(HOST_CALL(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK))));
  TRY(HOST_CALL(::ioctl(terminal, TIOCSCTTY, 0)));
  return {};
}

Result<std::shared_ptr<ConsoleBell>> HostConsoles::bell() {
  auto state = state_.lock();
  if (!state->bell) state->bell = TRY(ConsoleBell::make());
  return state->bell;
}

Result<HostConsolePtr> HostConsoles::show(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host,
                                          ConsoleLife life) {
  const std::shared_ptr<ConsoleBell> bell = TRY(this->bell());
  HostConsolePtr made = TRY(HostConsole::make(std::move(pty), std::move(devpts), std::move(host), life, bell));
  {
    auto state = state_.lock();
    state->consoles.push_back(made);
    if (!state->thread.joinable()) state->thread = std::thread([this, bell] { run(*bell); });
  }
  bell->ring();
  return made;
}

void HostConsoles::copy_window_sizes() {
  for (const HostConsolePtr& console : consoles()) console->copy_window_size();
}

void HostConsoles::drain() {
  for (const HostConsolePtr& console : consoles()) console->drain();
}

void HostConsoles::run(ConsoleBell& bell) {
  while (take_turn(bell)) {
  }
}

bool HostConsoles::take_turn(ConsoleBell& bell) {
  if (state_.lock()->stopping) return false;
  bool more = false;
  std::optional<std::int64_t> until_ns;
  const std::vector<HostConsolePtr> present = consoles();
  for (const HostConsolePtr& console : present) {
    more = console->step() || more;
    const auto next = console->serve_drains();
    if (next) until_ns = std::min(until_ns.value_or(*next), *next);
  }
  {
    auto state = state_.lock();
    std::erase_if(state->consoles, [](const HostConsolePtr& console) { return console->ended(); });
  }
  wait(bell, present, more ? 0 : until_ns ? milliseconds_until(*until_ns) : -1);
  return true;
}

// Ended ones have the descriptor -1, which poll(2) passes over.
void HostConsoles::wait(ConsoleBell& bell, const std::vector<HostConsolePtr>& consoles, int timeout) {
  std::vector<pollfd> polled{{bell.fd(), POLLIN, 0}, {size_signal_.get(), POLLIN, 0}};
  for (const HostConsolePtr& console : consoles) polled.push_back({console->host(), console->awaited_events(), 0});
  if (::poll(polled.data(), polled.size(), timeout) <= 0) return;
  if (polled[0].revents != 0) bell.silence();
  if (polled[1].revents == 0) return;
  signalfd_siginfo record;
  while (::read(size_signal_.get(), &record, sizeof record) > 0) {
  }
  copy_window_sizes();
}

}  // namespace runsc
