// config.json -> Spec.
//
// Everything that can be checked by looking at the document alone is checked here, so that no later stage meets a
// malformed value; what needs the host (does the root exist?) is checked by check_bundle(). Each error is a UserError
// of one line that begins with "config.json: " and the path of the field.
//
// What this runtime cannot do is never dropped silently: where the container would run with less confinement or other
// semantics than asked for, it is an error that names the feature; where the sandbox gives the same or more
// confinement by other means (seccomp and AppArmor profiles), it is a line in Spec::warnings.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runsc/oci/json_reader.h"
#include "runsc/oci/spec.h"

namespace runsc::oci {

Spec parse_spec(const nlohmann::json& document);

// Reads <bundle>/config.json, parses and checks it against the host.
Spec load_bundle(const std::string& bundle);

// The linux.seccomp of a bundle, for --oci-seccomp; nothing: it has none. Apart from load_bundle(), because that must
// not spend time on what is ignored in most containers, and must not fail because of it.
std::optional<Seccomp> load_seccomp(const std::string& bundle);
Seccomp parse_seccomp(const JsonReader& from);

// Sets root.path to its absolute form and checks that it is a directory; resolves the sources of bind mounts (relative
// to the bundle) and checks that they exist; checks the paths of namespaces.
void check_bundle(Spec& spec, const std::string& bundle);

// A process of its own, as `exec --process` takes it. `from` is the object.
Process parse_process(const JsonReader& from, std::vector<std::string>& warnings);

// Every option that parse_mounts() takes for a mount of any type, sorted.
std::vector<std::string> known_mount_options();

// The parts of parse_spec(), one file each.
std::vector<Mount> parse_mounts(const JsonReader& from);
Hooks parse_hooks(const JsonReader& from);
Linux parse_linux(const JsonReader& from);
Resources parse_resources(const JsonReader& from);

// Collapses "//", "/./" and "/../" of an absolute path by its text alone; no trailing slash.
std::string clean_path(const std::string& path);

}  // namespace runsc::oci
