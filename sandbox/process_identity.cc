#include "sandbox/process_identity.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

namespace runsc {
namespace {

// Killed processes end, but on a busy host, and with much memory to free, not at once.
constexpr int kPatienceMilliseconds = 120'000;

}  // namespace

std::optional<std::uint64_t> process_start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (pid <= 0 || !std::getline(file, text)) return std::nullopt;
  // The name, in parentheses, may hold anything; the fields follow the last one.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string state, skipped;
  fields >> state;
  for (int field = 4; field < 20; ++field) fields >> skipped;
  int threads = 0;
  std::uint64_t start_time = 0;
  if (!(fields >> threads >> skipped >> start_time)) return std::nullopt;
  // The thread that leads is a zombie for as long as others are still ending.
  const bool ended = (state == "Z" && threads <= 1) || state == "X";
  return ended ? std::nullopt : std::optional(start_time);
}

ProcessIdentity ProcessIdentity::of(pid_t pid) { return {pid, process_start_time(pid).value_or(0)}; }

bool ProcessIdentity::alive() const { return pid > 0 && process_start_time(pid) == start_time; }

UniqueFd ProcessIdentity::open() const {
  if (pid <= 0) return {};
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // Checked after the descriptor pins the process: it can no longer be exchanged for another.
  if (fd && !alive()) fd.reset();
  return fd;
}

bool ProcessIdentity::send(int signal) const {
  const UniqueFd fd = open();
  return fd && ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0) == 0;
}

void ProcessIdentity::end() const {
  const UniqueFd fd = open();
  if (!fd || ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0) != 0) return;
  pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
  while (::poll(&entry, 1, kPatienceMilliseconds) < 0 && errno == EINTR) {
  }
}

}  // namespace runsc
