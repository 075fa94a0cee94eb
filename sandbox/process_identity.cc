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
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  std::uint64_t start_time = 0;
  return fields >> start_time ? std::optional(start_time) : std::nullopt;
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
