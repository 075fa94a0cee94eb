// The document as a whole.
#include <algorithm>

#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

constexpr const char* kFileName = "config.json";
constexpr std::size_t kMaxNameLength = 64;  // __NEW_UTS_LEN

std::string parse_version(const JsonReader& from) {
  const std::string version = from.string();
  // Everything 1.x is compatible by the specification's own rule.
  if (version.rfind("1.", 0) != 0) from.fail("version " + in_quotes(version) + " is not supported: want 1.x");
  return version;
}

Root parse_root(const JsonReader& from) {
  const Root root{.path = from.at("path").string(), .readonly = from.boolean_or("readonly", false)};
  if (root.path.empty()) from.at("path").fail("is empty");
  return root;
}

std::string parse_host_name(const JsonReader& from, const char* key) {
  const std::string name = from.string_or(key, "");
  if (name.size() > kMaxNameLength) from.at(key).fail("is longer than 64 bytes");
  return name;
}

void refuse_other_platforms(const JsonReader& from) {
  for (const char* key : {"windows", "solaris", "vm", "zos"}) {
    if (from.has(key)) from.at(key).fail("is not supported by this runtime");
  }
}

}  // namespace

Spec parse_spec(const nlohmann::json& document) {
  const JsonReader from(document, kFileName);
  from.expect_object();
  refuse_other_platforms(from);
  Spec spec;
  spec.oci_version = parse_version(from.at("ociVersion"));
  spec.process = parse_process(from.at("process"), spec.warnings);
  spec.root = parse_root(from.at("root"));
  spec.hostname = parse_host_name(from, "hostname");
  spec.domainname = parse_host_name(from, "domainname");
  if (const auto mounts = from.find("mounts")) spec.mounts = parse_mounts(*mounts);
  if (const auto hooks = from.find("hooks")) spec.hooks = parse_hooks(*hooks);
  if (const auto annotations = from.find("annotations")) {
    for (const auto& [key, value] : annotations->members()) {
      if (key.empty()) annotations->fail("an empty key");
      spec.annotations[key] = value.string();
    }
  }
  if (const auto section = from.find("linux")) spec.linux_ = parse_linux(*section);
  return spec;
}

const Namespace* find_namespace(const Spec& spec, NamespaceType type) {
  const auto& list = spec.linux_.namespaces;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Namespace& ns) { return ns.type == type; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace runsc::oci
