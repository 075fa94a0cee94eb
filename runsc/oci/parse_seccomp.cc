// The "linux.seccomp" object. Names of system calls, actions and comparisons are left to whoever compiles it.
#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

constexpr std::uint32_t kMostArguments = 6;

std::vector<SeccompArgument> parse_arguments(const JsonReader& from) {
  std::vector<SeccompArgument> out;
  for (const JsonReader& element : from.elements()) {
    SeccompArgument argument;
    argument.index = element.at("index").integer<std::uint32_t>();
    if (argument.index >= kMostArguments) element.at("index").fail("a system call has six arguments at most");
    argument.value = element.at("value").integer<std::uint64_t>();
    argument.value_two = element.optional_integer<std::uint64_t>("valueTwo").value_or(0);
    argument.op = element.at("op").string();
    out.push_back(std::move(argument));
  }
  return out;
}

SeccompRule parse_rule(const JsonReader& from) {
  SeccompRule rule;
  rule.names = from.at("names").strings();
  if (rule.names.empty()) from.at("names").fail("is empty");
  rule.action = from.at("action").string();
  rule.errno_ret = from.optional_integer<std::uint32_t>("errnoRet");
  if (const auto args = from.find("args")) rule.args = parse_arguments(*args);
  return rule;
}

void parse_flags(const JsonReader& from, Seccomp& out) {
  for (const JsonReader& element : from.elements()) {
    const std::string flag = element.string();
    // Of one thread there is nothing to synchronize, and nothing here speculates for the application.
    if (flag == "SECCOMP_FILTER_FLAG_TSYNC" || flag == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") continue;
    if (flag != "SECCOMP_FILTER_FLAG_LOG") element.fail(in_quotes(flag) + " is not supported");
    out.log = true;
  }
}

}  // namespace

Seccomp parse_seccomp(const JsonReader& from) {
  Seccomp out;
  out.default_action = from.at("defaultAction").string();
  out.default_errno_ret = from.optional_integer<std::uint32_t>("defaultErrnoRet");
  if (from.has("listenerPath")) from.at("listenerPath").fail("notifications are not supported");
  if (const auto flags = from.find("flags")) parse_flags(*flags, out);
  if (const auto rules = from.find("syscalls")) {
    for (const JsonReader& element : rules->elements()) out.rules.push_back(parse_rule(element));
  }
  return out;
}

}  // namespace runsc::oci
