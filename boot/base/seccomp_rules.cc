#include "boot/base/seccomp_rules.h"

#include <utility>

namespace runsc {

scmp_arg_cmp int_is(unsigned index, int value) {
  return {index, SCMP_CMP_MASKED_EQ, 0xffffffffU, static_cast<std::uint32_t>(value)};
}

scmp_arg_cmp bits_are(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

void append_rules(std::vector<SeccompRule>& rules, std::vector<SeccompRule> more) {
  for (SeccompRule& rule : more) rules.push_back(std::move(rule));
}

}  // namespace runsc
