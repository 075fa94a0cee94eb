#include "sandbox/seccomp_profile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

[[noreturn]] void fail(const std::string& field, const std::string& reason) {
  throw UserError("config.json: linux.seccomp." + field + ": " + reason);
}

// As runc, the error of an action that does not say which.
constexpr std::uint32_t kDefaultErrno = EPERM;

const std::map<std::string, std::uint32_t>& actions() {
  static const std::map<std::string, std::uint32_t> kActions = {{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
                                                                {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
                                                                {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
                                                                {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
                                                                {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
                                                                {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
                                                                {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
                                                                {"SCMP_ACT_LOG", SCMP_ACT_LOG}};
  return kActions;
}

const std::map<std::string, scmp_compare>& comparisons() {
  static const std::map<std::string, scmp_compare> kComparisons = {{"SCMP_CMP_NE", SCMP_CMP_NE},
                                                                   {"SCMP_CMP_LT", SCMP_CMP_LT},
                                                                   {"SCMP_CMP_LE", SCMP_CMP_LE},
                                                                   {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                                                   {"SCMP_CMP_GE", SCMP_CMP_GE},
                                                                   {"SCMP_CMP_GT", SCMP_CMP_GT},
                                                                   {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  return kComparisons;
}

template <typename T>
std::vector<std::string> names_of(const std::map<std::string, T>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

std::uint32_t parse_action(const std::string& name, const std::optional<std::uint32_t>& error,
                           const std::string& field) {
  const auto found = actions().find(name);
  if (found == actions().end()) fail(field, "action \"" + name + "\" is unknown or not supported");
  const bool with_data = found->second == SCMP_ACT_ERRNO(0) || found->second == SCMP_ACT_TRACE(0);
  return with_data ? found->second | (error.value_or(kDefaultErrno) & SECCOMP_RET_DATA) : found->second;
}

scmp_arg_cmp parse_argument(const oci::SeccompArgument& from, const std::string& field) {
  const auto found = comparisons().find(from.op);
  if (found == comparisons().end()) fail(field + ".args", "comparison \"" + from.op + "\" is unknown");
  return {from.index, found->second, from.value, from.value_two};
}

// Two conditions on one argument are alternatives, as in runc: libseccomp takes one for each argument.
bool names_an_argument_twice(const std::vector<scmp_arg_cmp>& conditions) {
  std::uint32_t seen = 0;
  for (const scmp_arg_cmp& each : conditions) {
    if ((seen & 1U << each.arg) != 0) return true;
    seen |= 1U << each.arg;
  }
  return false;
}

class Profile {
 public:
  explicit Profile(const oci::Seccomp& from)
      : default_action_(parse_action(from.default_action, from.default_errno_ret, "defaultAction")),
        filter_(::seccomp_init(default_action_), ::seccomp_release) {
    if (!filter_) fail("defaultAction", "libseccomp takes no filter with this default");
    ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary search of the call
    for (std::size_t i = 0; i < from.rules.size(); ++i) add(from.rules[i], "syscalls[" + std::to_string(i) + "]");
  }

  std::vector<std::uint64_t> compile() const {
    std::vector<std::uint64_t> out;
    if (has_newer_calls()) {
      for (const sock_filter& each : {sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* seccomp_data::nr */),
                                      sock_filter BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest_, 0, 1),
                                      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)}) {
        std::uint64_t word = 0;
        std::memcpy(&word, &each, sizeof(word));
        out.push_back(word);
      }
    }
    const std::vector<std::uint64_t> rules = export_rules();
    out.insert(out.end(), rules.begin(), rules.end());
    if (out.size() > BPF_MAXINSNS) fail("syscalls", "the filter has more than 4096 instructions");
    return out;
  }

 private:
  void add(const oci::SeccompRule& rule, const std::string& field) {
    const std::uint32_t action = parse_action(rule.action, rule.errno_ret, field + ".action");
    std::vector<scmp_arg_cmp> conditions;
    for (const oci::SeccompArgument& each : rule.args) conditions.push_back(parse_argument(each, field));
    for (const std::string& name : rule.names) {
      const int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      newest_ = std::max(newest_, static_cast<std::uint32_t>(std::max(number, 0)));
      if (action == default_action_) continue;
      if (!names_an_argument_twice(conditions)) {
        add_one(action, number, conditions, field + " (" + name + ")");
        continue;
      }
      for (const scmp_arg_cmp& each : conditions) add_one(action, number, {each}, field + " (" + name + ")");
    }
  }

  void add_one(std::uint32_t action, int number, const std::vector<scmp_arg_cmp>& conditions,
               const std::string& field) {
    const int result = ::seccomp_rule_add_array(filter_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                                conditions.data());
    // An earlier rule that says the same.
    if (result != 0 && result != -EEXIST) fail(field, std::string("libseccomp: ") + std::strerror(-result));
  }

  bool has_newer_calls() const {
    return newest_ != 0 && default_action_ != SCMP_ACT_ALLOW && default_action_ != SCMP_ACT_LOG;
  }

  std::vector<std::uint64_t> export_rules() const {
    const UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) throw_system_error("memfd_create");
    if (const int result = ::seccomp_export_bpf(filter_.get(), file.get()); result != 0)
      fail("syscalls", std::string("libseccomp: ") + std::strerror(-result));
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    std::vector<std::uint64_t> out(static_cast<std::size_t>(std::max<off_t>(size, 0)) / sizeof(sock_filter));
    if (::pread(file.get(), out.data(), out.size() * sizeof(sock_filter), 0) != size)
      throw_system_error("read a filter");
    return out;
  }

  std::uint32_t default_action_;
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter_;
  std::uint32_t newest_ = 0;  // of the calls that the profile names
};

}  // namespace

std::vector<std::uint64_t> compile_seccomp(const oci::Seccomp& profile) { return Profile(profile).compile(); }

std::vector<std::string> seccomp_action_names() { return names_of(actions()); }

std::vector<std::string> seccomp_operator_names() { return names_of(comparisons()); }

}  // namespace runsc
