#include "control/transport/wire.h"

#include <algorithm>
#include <string_view>

#include "control/transport/limits.h"

namespace runsc::control {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};
constexpr std::int64_t kUnchanged = -2;
constexpr std::uint32_t kMaxUmask = 0777;
constexpr int kMaxOomScore = 1000;
constexpr int kResources = 16;  // RLIM_NLIMITS
constexpr std::uint64_t kAllCapabilities = (1ULL << 41) - 1;
constexpr std::size_t kMaxShownArgumentBytes = 4096;  // of one process in a list of them

static_assert(static_cast<std::uint16_t>(wire::FailureCode::VERSION_MISMATCH) ==
              static_cast<std::uint16_t>(kLastFailureCode));
static_assert(static_cast<std::uint16_t>(wire::FailureCode::EXECUTABLE_NOT_FOUND) ==
              static_cast<std::uint16_t>(FailureCode::kExecutableNotFound));
static_assert(static_cast<std::uint16_t>(wire::ContainerStatus::STOPPED) ==
              static_cast<std::uint16_t>(ContainerStatus::kStopped));

capnp::Text::Reader text(const std::string& value) { return {value.data(), value.size()}; }
capnp::Data::Reader bytes(const std::string& value) {
  return {reinterpret_cast<const kj::byte*>(value.data()), value.size()};
}
std::string string_of(capnp::Data::Reader data) { return {data.asChars().begin(), data.size()}; }
std::string string_of(capnp::Text::Reader value) { return {value.begin(), value.size()}; }

Failure invalid(std::string message) { return {FailureCode::kInvalid, std::move(message)}; }

void write_texts(const std::vector<std::string>& from, capnp::List<capnp::Text>::Builder out) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, text(from[i]));
}

// False when one has a NUL byte, which would end it early for the kernel.
bool read_texts(capnp::List<capnp::Text>::Reader in, std::vector<std::string>& out) {
  out.reserve(in.size());
  for (const auto value : in) out.push_back(string_of(value));
  return std::none_of(out.begin(), out.end(), [](const std::string& s) { return s.find('\0') != std::string::npos; });
}

Outcome<void> read_rlimits(capnp::List<wire::Rlimit>::Reader in, std::vector<ContainerRlimit>& out) {
  for (const auto limit : in) {
    const int resource = limit.getResource();
    if (resource < 0 || resource >= kResources) return invalid("process: no such resource limit");
    const auto same = [&](const ContainerRlimit& other) { return other.resource == resource; };
    if (std::any_of(out.begin(), out.end(), same)) return invalid("process: a resource limit is given twice");
    if (limit.getSoft() > limit.getHard()) return invalid("process: a soft resource limit is above the hard one");
    out.push_back({resource, limit.getSoft(), limit.getHard()});
  }
  return {};
}

ContainerCapabilities read_capabilities(wire::Capabilities::Reader in) {
  return {.bounding = in.getBounding() & kAllCapabilities,
          .effective = in.getEffective() & kAllCapabilities,
          .permitted = in.getPermitted() & kAllCapabilities,
          .inheritable = in.getInheritable() & kAllCapabilities,
          .ambient = in.getAmbient() & kAllCapabilities};
}

Outcome<void> read_settings(wire::Process::Reader in, ProcessConfig& out) {
  if (in.getUmask() > static_cast<int>(kMaxUmask)) return invalid("process: umask out of range");
  if (in.getUmask() >= 0) out.umask = static_cast<std::uint32_t>(in.getUmask());
  if (in.getHasOomScoreAdj()) {
    if (std::abs(static_cast<long>(in.getOomScoreAdj())) > kMaxOomScore) {
      return invalid("process: oomScoreAdj out of range");
    }
    out.oom_score_adj = in.getOomScoreAdj();
  }
  const auto scheduling = in.getScheduling();
  out.scheduling = {.policy = scheduling.getPolicy(),
                    .priority = scheduling.getPriority(),
                    .nice = scheduling.getNice(),
                    .reset_on_fork = scheduling.getResetOnFork(),
                    .io_priority = scheduling.getIoPriority()};
  if (!is_valid(out.scheduling)) return invalid("process: scheduling out of range");
  if (in.getRows() != 0 || in.getColumns() != 0) out.console_size = ConsoleSize{in.getRows(), in.getColumns()};
  return read_rlimits(in.getRlimits(), out.rlimits);
}

std::optional<std::int64_t> limit_of(std::int64_t value) {
  return value == kUnchanged ? std::nullopt : std::optional(value);
}

}  // namespace

void write_failure(const Failure& failure, wire::Failure::Builder out) {
  out.setCode(static_cast<wire::FailureCode>(failure.code));
  out.setMessage(text(failure.message.substr(0, kMaxMessageLength)));
}

std::string printable(capnp::Text::Reader in) {
  std::string out = string_of(in).substr(0, kMaxMessageLength);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return out;
}

Failure read_failure(wire::Failure::Reader in) {
  const auto code = static_cast<std::uint16_t>(in.getCode());
  const bool known = code <= static_cast<std::uint16_t>(kLastFailureCode);
  return {known ? static_cast<FailureCode>(code) : FailureCode::kInternal, printable(in.getMessage())};
}

void write_process(const ProcessConfig& process, wire::Process::Builder out) {
  write_texts(process.args, out.initArgs(static_cast<unsigned>(process.args.size())));
  write_texts(process.env, out.initEnv(static_cast<unsigned>(process.env.size())));
  out.setCwd(text(process.cwd));
  out.setUid(process.uid);
  out.setGid(process.gid);
  auto gids = out.initAdditionalGids(static_cast<unsigned>(process.additional_gids.size()));
  for (unsigned i = 0; i < gids.size(); ++i) gids.set(i, process.additional_gids[i]);
  out.setUmask(process.umask ? static_cast<std::int32_t>(*process.umask) : -1);
  auto capabilities = out.initCapabilities();
  capabilities.setBounding(process.capabilities.bounding);
  capabilities.setEffective(process.capabilities.effective);
  capabilities.setPermitted(process.capabilities.permitted);
  capabilities.setInheritable(process.capabilities.inheritable);
  capabilities.setAmbient(process.capabilities.ambient);
  auto limits = out.initRlimits(static_cast<unsigned>(process.rlimits.size()));
  for (unsigned i = 0; i < limits.size(); ++i) {
    limits[i].setResource(process.rlimits[i].resource);
    limits[i].setSoft(process.rlimits[i].soft);
    limits[i].setHard(process.rlimits[i].hard);
  }
  out.setNoNewPrivileges(process.no_new_privileges);
  out.setHasOomScoreAdj(process.oom_score_adj.has_value());
  out.setOomScoreAdj(process.oom_score_adj.value_or(0));
  auto scheduling = out.initScheduling();
  scheduling.setPolicy(process.scheduling.policy);
  scheduling.setPriority(process.scheduling.priority);
  scheduling.setNice(process.scheduling.nice);
  scheduling.setResetOnFork(process.scheduling.reset_on_fork);
  scheduling.setIoPriority(process.scheduling.io_priority);
  out.setTerminal(process.terminal);
  out.setRows(process.console_size.value_or(ConsoleSize{}).rows);
  out.setColumns(process.console_size.value_or(ConsoleSize{}).columns);
}

Outcome<ProcessConfig> read_process(wire::Process::Reader in) {
  ProcessConfig out;
  if (!read_texts(in.getArgs(), out.args)) return invalid("process: an argument has a NUL byte");
  if (out.args.empty() || out.args[0].empty()) return invalid("process: args must not be empty");
  if (!read_texts(in.getEnv(), out.env)) return invalid("process: a variable of the environment has a NUL byte");
  out.cwd = string_of(in.getCwd());
  if (out.cwd.find('\0') != std::string::npos) return invalid("process: cwd has a NUL byte");
  if (!out.cwd.empty() && out.cwd[0] != '/') return invalid("process: cwd is not absolute");
  out.uid = in.getUid();
  out.gid = in.getGid();
  for (const std::uint32_t gid : in.getAdditionalGids()) out.additional_gids.push_back(gid);
  out.capabilities = read_capabilities(in.getCapabilities());
  out.no_new_privileges = in.getNoNewPrivileges();
  out.terminal = in.getTerminal();
  const Outcome<void> settings = read_settings(in, out);
  if (!settings) return settings.failure();
  return out;
}

void write_target(const SignalTarget& target, wire::SignalTarget::Builder out) {
  switch (target.kind) {
    case SignalTarget::Kind::kInit:
      return out.setInit();
    case SignalTarget::Kind::kProcess:
      return out.setProcess(target.pid);
    case SignalTarget::Kind::kAll:
      return out.setAll();
    case SignalTarget::Kind::kForeground:
      return out.setForeground(target.pid);
  }
}

Outcome<SignalTarget> read_target(wire::SignalTarget::Reader in) {
  switch (in.which()) {
    case wire::SignalTarget::INIT:
      return SignalTarget{};
    case wire::SignalTarget::PROCESS:
      return SignalTarget{SignalTarget::Kind::kProcess, in.getProcess()};
    case wire::SignalTarget::ALL:
      return SignalTarget{SignalTarget::Kind::kAll, 0};
    case wire::SignalTarget::FOREGROUND:
      return SignalTarget{SignalTarget::Kind::kForeground, in.getForeground()};
  }
  return Failure{FailureCode::kUnsupported, "signal: this sandbox does not know such a target"};
}

void write_limits(const Limits& limits, wire::Limits::Builder out) {
  out.setPids(limits.pids.value_or(kUnchanged));
  out.setMemory(limits.memory.value_or(kUnchanged));
  out.setCpuQuota(limits.cpu_quota.value_or(kUnchanged));
  out.setCpuPeriod(limits.cpu_period.value_or(kUnchanged));
  out.setCpuShares(limits.cpu_shares.value_or(kUnchanged));
  out.setMemorySwap(limits.memory_swap.value_or(kUnchanged));
  out.setMemoryReservation(limits.memory_reservation.value_or(kUnchanged));
}

Outcome<Limits> read_limits(wire::Limits::Reader in) {
  for (const std::int64_t value : {in.getPids(), in.getMemory(), in.getCpuQuota(), in.getCpuPeriod(), in.getCpuShares(),
                                   in.getMemorySwap(), in.getMemoryReservation()})
    if (value < kUnchanged) return invalid("update: a limit is negative");
  return Limits{.pids = limit_of(in.getPids()),
                .memory = limit_of(in.getMemory()),
                .cpu_quota = limit_of(in.getCpuQuota()),
                .cpu_period = limit_of(in.getCpuPeriod()),
                .cpu_shares = limit_of(in.getCpuShares()),
                .memory_swap = limit_of(in.getMemorySwap()),
                .memory_reservation = limit_of(in.getMemoryReservation())};
}

void write_process_info(const ProcessInfo& process, wire::ProcessInfo::Builder out) {
  out.setPid(process.pid);
  out.setPpid(process.ppid);
  out.setHostPid(process.host_pid);
  out.setUid(process.uid);
  out.setGid(process.gid);
  out.setThreads(process.threads);
  out.setStartTime(process.start_time);
  out.setCpuTime(process.cpu_time);
  out.setTty(text(process.tty));
  out.setState(static_cast<std::uint8_t>(process.state));
  out.setComm(bytes(process.comm));
  std::size_t room = kMaxShownArgumentBytes;
  unsigned count = 0;
  for (; count < process.args.size() && process.args[count].size() < room; ++count) {
    room -= process.args[count].size() + 1;
  }
  auto args = out.initArgs(count);
  for (unsigned i = 0; i < count; ++i) args.set(i, bytes(process.args[i]));
}

ProcessInfo read_process_info(wire::ProcessInfo::Reader in) {
  ProcessInfo out;
  out.pid = in.getPid();
  out.ppid = in.getPpid();
  out.host_pid = in.getHostPid();
  out.uid = in.getUid();
  out.gid = in.getGid();
  out.threads = in.getThreads();
  out.start_time = in.getStartTime();
  out.cpu_time = in.getCpuTime();
  out.tty = printable(in.getTty());
  out.state = static_cast<char>(in.getState());
  out.comm = string_of(in.getComm());
  for (const auto argument : in.getArgs()) out.args.push_back(string_of(argument));
  return out;
}

void write_stats(const Stats& stats, wire::Stats::Builder out) {
  out.setCpuUser(stats.cpu_user);
  out.setCpuSystem(stats.cpu_system);
  auto processors = out.initCpuPerProcessor(static_cast<unsigned>(stats.cpu_per_processor.size()));
  for (unsigned i = 0; i < processors.size(); ++i) processors.set(i, stats.cpu_per_processor[i]);
  out.setMemoryCurrent(stats.memory_current);
  out.setMemoryPeak(stats.memory_peak);
  out.setMemoryCache(stats.memory_cache);
  out.setMemoryLimit(stats.memory_limit.value_or(kNone));
  out.setPidsCurrent(stats.pids_current);
  out.setPidsLimit(stats.pids_limit.value_or(kNone));
  out.setOomKills(stats.oom_kills);
}

Stats read_stats(wire::Stats::Reader in) {
  Stats out;
  out.cpu_user = in.getCpuUser();
  out.cpu_system = in.getCpuSystem();
  for (const std::uint64_t time : in.getCpuPerProcessor()) out.cpu_per_processor.push_back(time);
  out.memory_current = in.getMemoryCurrent();
  out.memory_peak = in.getMemoryPeak();
  out.memory_cache = in.getMemoryCache();
  if (in.getMemoryLimit() != kNone) out.memory_limit = in.getMemoryLimit();
  out.pids_current = in.getPidsCurrent();
  if (in.getPidsLimit() != kNone) out.pids_limit = in.getPidsLimit();
  out.oom_kills = in.getOomKills();
  return out;
}

void write_container_info(const ContainerInfo& container, wire::ContainerInfo::Builder out) {
  out.setId(text(container.id));
  out.setStatus(static_cast<wire::ContainerStatus>(container.status));
  out.setProcesses(container.processes);
}

ContainerInfo read_container_info(wire::ContainerInfo::Reader in) {
  const auto status =
      std::min(static_cast<std::uint16_t>(in.getStatus()), static_cast<std::uint16_t>(ContainerStatus::kStopped));
  return {printable(in.getId()), static_cast<ContainerStatus>(status), in.getProcesses()};
}

void write_event(const Event& event, wire::Event::Builder out) {
  out.setKind(static_cast<wire::EventKind>(event.kind));
  out.setContainer(text(event.container));
  out.setStatus(event.status);
}

Event read_event(wire::Event::Reader in) {
  Event out;
  out.kind = in.getKind() == wire::EventKind::OOM ? Event::Kind::kOom : Event::Kind::kExit;
  out.container = printable(in.getContainer());
  out.status = in.getStatus();
  return out;
}

}  // namespace runsc::control
