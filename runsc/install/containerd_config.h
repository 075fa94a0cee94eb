// containerd's config.toml: a runtime of the CRI plugin, run by containerd's own shim for runc.
#pragma once

#include <string>

namespace runsc {

// Adds (or replaces) the runtime `name`, in the words of the file's own version (1, 2 or 3); an empty `text` becomes a
// file of version 2. A file that names no other runtime gets containerd's default one too: containerd has it only as
// long as none is named, and its CRI plugin does not load without. If another runtime has its cgroups made by systemd
// (SystemdCgroup), so has this one: kubelet names cgroups in one way for all. Throws UserError for text that is no
// TOML, or describes the runtime in another way than by tables.
std::string add_to_containerd_config(const std::string& text, const std::string& name, const std::string& program);

// What add_to_containerd_config() has added, and nothing else.
std::string remove_from_containerd_config(const std::string& text, const std::string& name);

}  // namespace runsc
