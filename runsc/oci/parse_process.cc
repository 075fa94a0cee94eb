// The "process" object.
#include <sys/resource.h>

#include <set>
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

void refuse_unsupported(const JsonReader& from, Process& process, std::vector<std::string>& warnings) {
  process.selinux_label = from.string_or("selinuxLabel", "");
  if (!process.selinux_label.empty()) from.at("selinuxLabel").fail("SELinux labels are not supported");
  process.apparmor_profile = from.string_or("apparmorProfile", "");
  if (!process.apparmor_profile.empty()) {
    warnings.push_back("AppArmor profile " + in_quotes(process.apparmor_profile) +
                       " is ignored: the application never reaches the host's system calls");
  }
  for (const char* key : {"scheduler", "ioPriority"}) {
    if (from.has(key)) warnings.push_back(std::string("process.") + key + " is ignored");
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
  refuse_unsupported(from, process, warnings);
  return process;
}

}  // namespace runsc::oci
