// Docker's daemon.json.
#pragma once

#include <string>
#include <vector>

namespace runsc {

// Adds (or replaces) the runtime `name`; `text` may be empty. Throws UserError for text that is no JSON object.
std::string add_to_docker_config(const std::string& text, const std::string& name, const std::string& program,
                                 const std::vector<std::string>& arguments);

// Takes the runtime out again, also as the default one.
std::string remove_from_docker_config(const std::string& text, const std::string& name);

}  // namespace runsc
