// What a configuration says about the host's files.
#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

std::string absolute(const std::string& path, const std::string& bundle) {
  return clean_path(path[0] == '/' ? path : bundle + "/" + path);
}

std::string real_path(const std::string& path, const std::string& what) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) throw_system_error(what);
  return resolved;
}

void check_root(Root& root, const std::string& bundle) {
  const std::string what = "config.json: root.path: " + in_quotes(root.path);
  root.path = real_path(root.path[0] == '/' ? root.path : bundle + "/" + root.path, what);
  struct stat status {};
  if (::stat(root.path.c_str(), &status) != 0) throw_system_error(what);
  if (!S_ISDIR(status.st_mode)) throw UserError(what + " is not a directory");
  if (root.path == "/") throw UserError(what + ": the host's root is not a container's root");
}

void check_source(Mount& mount, std::size_t index, const std::string& bundle) {
  const std::string what = "config.json: mounts[" + std::to_string(index) + "].source: " + in_quotes(mount.source);
  mount.source = real_path(absolute(mount.source, bundle), what);
}

void check_namespace_path(const Namespace& ns, std::size_t index) {
  const std::string what = "config.json: linux.namespaces[" + std::to_string(index) + "].path: " + in_quotes(ns.path);
  struct stat status {};
  if (!ns.path.empty() && ::stat(ns.path.c_str(), &status) != 0) throw_system_error(what);
}

}  // namespace

void check_bundle(Spec& spec, const std::string& bundle) {
  check_root(spec.root, bundle);
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    if (spec.mounts[i].type == "bind") check_source(spec.mounts[i], i, bundle);
  }
  const auto& namespaces = spec.linux_.namespaces;
  for (std::size_t i = 0; i < namespaces.size(); ++i) check_namespace_path(namespaces[i], i);
}

Spec load_bundle(const std::string& bundle) {
  const std::string directory = real_path(bundle, "bundle " + in_quotes(bundle));
  Spec spec = parse_spec(read_json_file(directory + "/config.json", "config.json"));
  check_bundle(spec, directory);
  return spec;
}

std::optional<Seccomp> load_seccomp(const std::string& bundle) {
  const std::string directory = real_path(bundle, "bundle " + in_quotes(bundle));
  const nlohmann::json document = read_json_file(directory + "/config.json", "config.json");
  const auto linux_object = JsonReader(document, "config.json").find("linux");
  const auto seccomp = linux_object ? linux_object->find("seccomp") : std::nullopt;
  return seccomp ? std::optional(parse_seccomp(*seccomp)) : std::nullopt;
}

}  // namespace runsc::oci
