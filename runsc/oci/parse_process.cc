// The "process" object.
#include <sys/resource.h>

#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "runsc/oci/capabilities.h"
#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

constexpr std::pair<std::string_view, int> kRlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK}};

// (uid_t)-1 means "no change" to the calls that take it.
std::uint32_t parse_id(const JsonReader& from) {
  const auto id = from.integer<std::uint32_t>();
  if (id == UINT32_MAX) from.fail("4294967295 is not a valid id");
  return id;
}

User parse_user(const JsonReader& from) {
  User user;
  if (const auto uid = from.find("uid")) user.uid = parse_id(*uid);
  if (const auto gid = from.find("gid")) user.gid = parse_id(*gid);
  if (const auto umask = from.find("umask")) {
    user.umask = umask->integer<std::uint32_t>();
    if (*user.umask > 0777) umask->fail("has bits other than 0777");
  }
  if (const auto gids = from.find("additionalGids")) {
    for (const JsonReader& gid : gids->elements()) user.additional_gids.push_back(parse_id(gid));
  }
  return user;
}

std::uint64_t parse_capability_set(const JsonReader& from, const char* key, std::set<std::string>& unknown) {
  std::uint64_t mask = 0;
  for (const std::string& name : from.strings_or_empty(key)) {
    if (const auto number = capability_number(name)) {
      mask |= std::uint64_t{1} << *number;
    } else {
      unknown.insert(name);
    }
  }
  return mask;
}

ContainerCapabilities parse_capabilities(const JsonReader& from, std::vector<std::string>& warnings) {
  std::set<std::string> unknown;
  ContainerCapabilities sets;
  sets.bounding = parse_capability_set(from, "bounding", unknown);
  sets.effective = parse_capability_set(from, "effective", unknown);
  sets.permitted = parse_capability_set(from, "permitted", unknown);
  sets.inheritable = parse_capability_set(from, "inheritable", unknown);
  sets.ambient = parse_capability_set(from, "ambient", unknown);
  // The specification asks for a warning where a capability cannot be granted.
  for (const std::string& name : unknown) warnings.push_back("unknown capability " + in_quotes(name) + " is ignored");
  if ((sets.effective & ~sets.permitted) != 0) from.fail("effective has capabilities that permitted has not");
  if ((sets.ambient & ~(sets.permitted & sets.inheritable)) != 0) {
    // capset(2) and prctl(2) refuse it; runc drops these from the ambient set, and its own default has them.
    sets.ambient &= sets.permitted & sets.inheritable;
  }
  return sets;
}

std::vector<ContainerRlimit> parse_rlimits(const JsonReader& from) {
  std::vector<ContainerRlimit> out;
  std::set<int> seen;
  for (const JsonReader& element : from.elements()) {
    const JsonReader type = element.at("type");
    const std::string name = type.string();
    const auto* found =
        std::find_if(std::begin(kRlimits), std::end(kRlimits), [&](const auto& entry) { return entry.first == name; });
    if (found == std::end(kRlimits)) type.fail("unknown resource " + in_quotes(name));
    if (!seen.insert(found->second).second) type.fail(name + " is listed twice");
    const ContainerRlimit limit{found->second, element.at("soft").integer<std::uint64_t>(),
                                element.at("hard").integer<std::uint64_t>()};
    if (limit.soft > limit.hard) element.fail("soft limit is above the hard limit");
    out.push_back(limit);
  }
  return out;
}

std::vector<std::string> parse_args(const JsonReader& from) {
  std::vector<std::string> args = from.strings();
  if (args.empty()) from.fail("must not be empty");
  if (args[0].empty()) from.fail("the program's name is empty");
  return args;
}

std::vector<std::string> parse_env(const JsonReader& from) {
  for (const JsonReader& element : from.elements()) {
    const std::string text = element.string();
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) element.fail(in_quotes(text) + " is not of the form NAME=value");
  }
  return from.strings();
}

std::string parse_cwd(const JsonReader& from) {
  std::string cwd = from.string();
  if (cwd.empty() || cwd[0] != '/') from.fail(in_quotes(cwd) + " is not absolute");
  return cwd;
}

struct NamedNumber {
  const char* name;
  std::uint64_t number;
};

// SCHED_DEADLINE's processes may not fork, as those of a sandbox must.
constexpr NamedNumber kPolicies[] = {
    {"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2}, {"SCHED_BATCH", 3}, {"SCHED_IDLE", 5}};
constexpr NamedNumber kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},    {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
constexpr NamedNumber kIoClasses[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};

std::uint64_t number_named(const JsonReader& from, std::span<const NamedNumber> list) {
  const std::string name = from.string();
  for (const NamedNumber& each : list)
    if (name == each.name) return each.number;
  from.fail(in_quotes(name) + " is not supported");
}

Scheduler parse_scheduler(const JsonReader& from) {
  from.expect_object();
  Scheduler out;
  out.policy = static_cast<int>(number_named(from.at("policy"), kPolicies));
  const bool real_time = out.policy == 1 || out.policy == 2;
  out.nice = from.optional_integer<std::int32_t>("nice").value_or(0);
  if (out.nice < -20 || out.nice > 19) from.at("nice").fail(std::to_string(out.nice) + " is not within -20..19");
  out.priority = from.optional_integer<std::int32_t>("priority").value_or(0);
  if (!real_time && out.priority != 0) from.at("priority").fail("is for SCHED_FIFO and SCHED_RR only");
  if (real_time && (out.priority < 1 || out.priority > 99))
    from.fail("SCHED_FIFO and SCHED_RR need a priority of 1..99");
  for (const char* key : {"runtime", "deadline", "period"}) {
    if (from.optional_integer<std::uint64_t>(key).value_or(0) != 0) from.at(key).fail("is for SCHED_DEADLINE only");
  }
  if (const auto flags = from.find("flags")) {
    for (const JsonReader& flag : flags->elements()) out.flags |= number_named(flag, kSchedulerFlags);
  }
  return out;
}

int parse_io_priority(const JsonReader& from) {
  from.expect_object();
  const auto io_class = static_cast<int>(number_named(from.at("class"), kIoClasses));
  const int level = from.optional_integer<std::int32_t>("priority").value_or(0);
  if (level < 0 || level > 7) from.at("priority").fail(std::to_string(level) + " is not within 0..7");
  return io_class << 13 | level;
}

void refuse_unsupported(const JsonReader& from, Process& process, std::vector<std::string>& warnings) {
  process.selinux_label = from.string_or("selinuxLabel", "");
  if (!process.selinux_label.empty()) from.at("selinuxLabel").fail("SELinux labels are not supported");
  process.apparmor_profile = from.string_or("apparmorProfile", "");
  if (!process.apparmor_profile.empty()) {
    warnings.push_back("AppArmor profile " + in_quotes(process.apparmor_profile) +
                       " is ignored: the application never reaches the host's system calls");
  }
}

}  // namespace

Process parse_process(const JsonReader& from, std::vector<std::string>& warnings) {
  from.expect_object();
  Process process;
  process.terminal = from.boolean_or("terminal", false);
  if (const auto size = from.find("consoleSize")) {
    process.console_size = ConsoleSize{.rows = size->at("height").integer<std::uint16_t>(),
                                       .columns = size->at("width").integer<std::uint16_t>()};
  }
  if (const auto user = from.find("user")) process.user = parse_user(*user);
  process.args = parse_args(from.at("args"));
  if (const auto env = from.find("env")) process.env = parse_env(*env);
  process.cwd = parse_cwd(from.at("cwd"));
  if (const auto sets = from.find("capabilities")) process.capabilities = parse_capabilities(*sets, warnings);
  if (const auto rlimits = from.find("rlimits")) process.rlimits = parse_rlimits(*rlimits);
  process.no_new_privileges = from.boolean_or("noNewPrivileges", false);
  process.oom_score_adj = from.optional_integer<std::int32_t>("oomScoreAdj");
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000)) {
    from.at("oomScoreAdj").fail(std::to_string(*process.oom_score_adj) + " is not within -1000..1000");
  }
  if (const auto scheduler = from.find("scheduler")) process.scheduler = parse_scheduler(*scheduler);
  if (const auto priority = from.find("ioPriority")) process.io_priority = parse_io_priority(*priority);
  refuse_unsupported(from, process, warnings);
  return process;
}

}  // namespace runsc::oci
