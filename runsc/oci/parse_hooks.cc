// The "hooks" object.
#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

constexpr std::int32_t kLongestTimeout = 1000000;

Hook parse_hook(const JsonReader& from) {
  Hook hook;
  const JsonReader path = from.at("path");
  hook.path = path.string();
  if (hook.path.empty() || hook.path[0] != '/') path.fail(in_quotes(hook.path) + " is not absolute");
  hook.args = from.strings_or_empty("args");
  hook.env = from.strings_or_empty("env");
  if (const auto timeout = from.find("timeout")) {
    hook.timeout = timeout->integer<std::int32_t>();
    if (hook.timeout <= 0 || hook.timeout > kLongestTimeout) timeout->fail("is not within 1..1000000");
  }
  return hook;
}

std::vector<Hook> parse_list(const JsonReader& from, const char* key) {
  std::vector<Hook> out;
  if (const auto list = from.find(key)) {
    for (const JsonReader& element : list->elements()) out.push_back(parse_hook(element));
  }
  return out;
}

}  // namespace

Hooks parse_hooks(const JsonReader& from) {
  return {.prestart = parse_list(from, "prestart"),
          .create_runtime = parse_list(from, "createRuntime"),
          .create_container = parse_list(from, "createContainer"),
          .start_container = parse_list(from, "startContainer"),
          .poststart = parse_list(from, "poststart"),
          .poststop = parse_list(from, "poststop")};
}

}  // namespace runsc::oci
