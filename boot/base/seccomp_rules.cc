#include "boot/base/seccomp_rules.h"

#include <memory>
#include <utility>

namespace runsc {
namespace {

int add_rule(scmp_filter_ctx context, const SeccompRule& rule) {
  const std::uint32_t action =
      rule.error != 0 ? SCMP_ACT_ERRNO(static_cast<std::uint16_t>(rule.error)) : SCMP_ACT_ALLOW;
  return ::seccomp_rule_add_array(context, action, rule.call, static_cast<unsigned>(rule.conditions.size()),
                                  rule.conditions.data());
}

}  // namespace

scmp_arg_cmp int_is(unsigned index, int value) {
  return {index, SCMP_CMP_MASKED_EQ, 0xffffffffU, static_cast<std::uint32_t>(value)};
}

scmp_arg_cmp bits_are(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

void append_rules(std::vector<SeccompRule>& rules, std::vector<SeccompRule> more) {
  for (SeccompRule& rule : more) rules.push_back(std::move(rule));
}

Result<void> install_rules(std::span<const SeccompRule> rules) {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> context(::seccomp_init(SCMP_ACT_KILL_PROCESS),
                                                                 &::seccomp_release);
  if (!context) return Errno(ENOMEM);
  if (const int error = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_TSYNC, 1); error < 0) return Errno(-error);
  // A search tree instead of a list: the frequent calls have arguments to check, so the kernel does not cache them.
  if (const int error = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); error < 0) return Errno(-error);
  for (const SeccompRule& rule : rules)
    if (const int error = add_rule(context.get(), rule); error < 0) return Errno(-error);
  if (const int error = ::seccomp_load(context.get()); error < 0) return Errno(-error);
  return {};
}

}  // namespace runsc
