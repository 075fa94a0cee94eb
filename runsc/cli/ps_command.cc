#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "boot/base/printable.h"
#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/host_pids.h"

namespace runsc {
namespace {

constexpr std::uint64_t kNanoseconds = 1'000'000'000;
constexpr long kDay = 24 * 60 * 60;

// As ps(1) shows it: the time of the day, for older ones the day.
std::string start_text(std::int64_t start) {
  const auto when = static_cast<std::time_t>(start);
  std::tm local{};
  ::localtime_r(&when, &local);
  char text[16] = {};
  std::strftime(text, sizeof(text), std::time(nullptr) - when < kDay ? "%H:%M" : "%b%d", &local);
  return text;
}

std::string cpu_text(std::uint64_t nanoseconds) {
  const auto seconds = static_cast<unsigned long>(nanoseconds / kNanoseconds);
  char text[32] = {};
  std::snprintf(text, sizeof(text), "%02lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return text;
}

// Percent of one processor since the start.
std::string share_text(const control::ProcessInfo& process) {
  const auto age = std::max<std::int64_t>(1, std::time(nullptr) - process.start_time);
  const std::uint64_t share = process.cpu_time / (kNanoseconds / 100) / static_cast<std::uint64_t>(age);
  return std::to_string(std::min<std::uint64_t>(share, 99));
}

std::string command_text(const control::ProcessInfo& process) {
  if (process.args.empty()) return printable("[" + process.comm + "]" + (process.state == 'Z' ? " <defunct>" : ""));
  std::string out;
  for (const std::string& argument : process.args) out += (out.empty() ? "" : " ") + argument;
  return printable(out);
}

// The columns of `ps -ef`, with the ids that the processes have inside.
void print_table(const std::vector<control::ProcessInfo>& processes) {
  std::printf("%-8s %7s %7s  %s %5s %-8s %8s %s\n", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD");
  for (const control::ProcessInfo& process : processes) {
    std::printf("%-8u %7d %7d %2s %5s %-8s %8s %s\n", process.uid, process.pid, process.ppid,
                share_text(process).c_str(), start_text(process.start_time).c_str(),
                process.tty.empty() ? "?" : process.tty.c_str(), cpu_text(process.cpu_time).c_str(),
                command_text(process).c_str());
  }
}

// Callers look for these numbers among the processes of the host.
void print_json(const std::vector<control::ProcessInfo>& processes, pid_t boot) {
  std::vector<int> wanted;
  for (const control::ProcessInfo& process : processes) wanted.push_back(process.host_pid);
  nlohmann::json out = nlohmann::json::array();
  for (const int pid : host_pids(boot, wanted)) out.push_back(pid);
  std::puts(out.dump().c_str());
}

int ps(const Words& words, const RuntimeOptions& options) {
  if (FLAGS_format != "table" && FLAGS_format != "json") throw UserError("invalid format option");
  const ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  const auto processes = control::Client(store.control_socket(state)).processes(state.id);
  if (FLAGS_format == "json") {
    print_json(processes, store.load(state.sandbox()).boot.pid);
  } else {
    print_table(processes);
  }
  return 0;
}

}  // namespace

Command ps_command() {
  return {.name = "ps",
          .arguments = "<container-id> [ps options]",
          .summary = "show the processes of a container",
          .flags = {{"format", 'f'}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .run = ps};
}

}  // namespace runsc
