#include "runsc/oci/resources_update.h"

#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

using nlohmann::json;

bool says_something(const json& value) {
  if (value.is_null()) return false;
  if (value.is_number()) return value != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return value.is_boolean() || !value.empty();
}

void merge_into(json& present, const json& change) {
  if (!present.is_object()) present = json::object();
  for (const auto& [key, value] : change.items()) {
    if (!says_something(value)) continue;
    if (value.is_object()) {
      merge_into(present[key], value);
    } else {
      present[key] = value;
    }
  }
}

}  // namespace

json merge_resources(const json& present, const json& change) {
  json out = present;
  json without_devices = change;
  without_devices.erase("devices");
  merge_into(out, without_devices);
  return out;
}

Resources resources_of(const json& document, const std::string& name) {
  const JsonReader reader(document, name);
  reader.expect_object();
  return parse_resources(reader);
}

}  // namespace runsc::oci
