// linux.resources as JSON, as the state file keeps it and `update` changes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runsc/oci/spec.h"

namespace runsc::oci {

// What holds after a change: `change` wins where it says something. Nothing is said by what is absent, null, 0, an
// empty text or an empty list; rules for devices are given for good and stay. A new quota of processor time without a
// period is for the period that holds, and the other way round.
nlohmann::json merge_resources(const nlohmann::json& present, const nlohmann::json& change);

// Parses and checks a document that is linux.resources; errors begin with `name`. Throws UserError.
Resources resources_of(const nlohmann::json& document, const std::string& name);

}  // namespace runsc::oci
