// containerd's config.toml: a runtime of the CRI plugin, run by containerd's own shim for runc.
#pragma once

#include <string>

namespace runsc {

// Adds (or replaces) the runtime `name`, in the words of the file's own version (1, 2 or 3); an empty `text` becomes a
// file of version 2. Throws UserError for text that is no TOML, or describes the runtime in another way than by tables.
std::string add_to_containerd_config(const std::string& text, const std::string& name, const std::string& program);

std::string remove_from_containerd_config(const std::string& text, const std::string& name);

}  // namespace runsc
