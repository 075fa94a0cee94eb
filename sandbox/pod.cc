#include "sandbox/pod.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// One creator's words.
struct Dialect {
  const char* type_key;
  const char* sandbox_type;
  const char* container_type;
  const char* sandbox_id_key;
};

constexpr std::array<Dialect, 3> kDialects = {{
    {"io.kubernetes.cri.container-type", "sandbox", "container", "io.kubernetes.cri.sandbox-id"},
    {"io.kubernetes.cri-o.ContainerType", "sandbox", "container", "io.kubernetes.cri-o.SandboxID"},
    {"io.kubernetes.docker.type", "podsandbox", "container", "io.kubernetes.sandbox.id"},
}};

using Annotations = std::map<std::string, std::string>;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

[[noreturn]] void refuse(const char* key, const std::string& value, const std::string& reason) {
  throw UserError(std::string("config.json: annotations: ") + key + ": " + quoted(value) + " " + reason);
}

// The sandbox names itself, if anything.
void check_own_id(const std::string& id, const Dialect& dialect, const Annotations& annotations) {
  const auto named = annotations.find(dialect.sandbox_id_key);
  if (named != annotations.end() && named->second != id) {
    refuse(dialect.sandbox_id_key, named->second, "is not the id of this sandbox, " + quoted(id));
  }
}

std::string named_sandbox(const std::string& id, const Dialect& dialect, const Annotations& annotations) {
  const auto named = annotations.find(dialect.sandbox_id_key);
  if (named == annotations.end()) {
    throw UserError(std::string("config.json: annotations: ") + dialect.sandbox_id_key +
                    " is missing: a container of a pod needs its sandbox");
  }
  if (named->second == id) refuse(dialect.sandbox_id_key, named->second, "is the container itself, not its sandbox");
  return named->second;
}

// Podman says of a container which one's sandbox it joins, but not of that one that it is a sandbox.
bool is_podmans(const Annotations& annotations) {
  const auto manager = annotations.find("io.container.manager");
  return manager != annotations.end() && manager->second == "libpod";
}

bool is_pod_sandbox(const Annotations& annotations) {
  for (const Dialect& dialect : kDialects) {
    const auto type = annotations.find(dialect.type_key);
    if (type != annotations.end() && type->second == dialect.sandbox_type) return true;
  }
  return false;
}

void check_owner(const ContainerStore& store, const std::string& sandbox_id) {
  struct stat status {};
  if (::stat(store.directory(sandbox_id).c_str(), &status) != 0) return;  // said better by load()
  if (status.st_uid != ::geteuid()) {
    throw UserError("sandbox " + quoted(sandbox_id) + " belongs to user " + std::to_string(status.st_uid));
  }
}

// The pid of "/proc/<pid>/ns/<type>"; 0: not of that form.
pid_t pid_of_path(std::string_view path) {
  constexpr std::string_view kProc = "/proc/";
  if (!path.starts_with(kProc)) return 0;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(path.data() + kProc.size(), path.data() + path.size(), pid);
  const std::string_view rest(end, static_cast<std::size_t>(path.data() + path.size() - end));
  return error == std::errc() && rest.starts_with("/ns/") ? pid : 0;
}

// Whether it is the namespace of type `name` that this process is in. What cannot be looked at is not.
bool is_callers_own(const std::string& path, const std::string& name) {
  struct stat theirs {};
  struct stat own {};
  return ::stat(path.c_str(), &theirs) == 0 && ::stat(("/proc/self/ns/" + name).c_str(), &own) == 0 &&
         theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino;
}

class Sharing {
 public:
  Sharing(const oci::Spec& spec, const ContainerStore& store, const ContainerState& sandbox)
      : spec_(spec), store_(store), sandbox_(sandbox) {}

  NamespaceSharing run() const {
    using enum oci::NamespaceType;
    // Every container has the sandbox's network.
    return {.pid = owner(kPid, "pid"), .ipc = owner(kIpc, "ipc"), .uts = owner(kUts, "uts"), .net = sandbox_.id};
  }

 private:
  // Empty: a namespace of its own. What would be the host's without a sandbox is the sandbox's.
  std::string owner(oci::NamespaceType type, const char* name) const {
    const oci::Namespace* ns = oci::find_namespace(spec_, type);
    if (ns == nullptr) return sandbox_.id;
    if (ns->path.empty()) return "";
    const pid_t pid = pid_of_path(ns->path);
    if (pid == sandbox_.boot.pid) return sandbox_.id;
    for (const ContainerState& other : store_.list()) {
      if (pid > 0 && other.sandbox_id == sandbox_.id && other.init().pid == pid) return other.id;
    }
    throw UserError("config.json: linux.namespaces: " + std::string(name) + ": " + quoted(ns->path) +
                    " is not of a container of sandbox " + quoted(sandbox_.id));
  }

  const oci::Spec& spec_;
  const ContainerStore& store_;
  const ContainerState& sandbox_;
};

}  // namespace

std::optional<std::string> sandbox_to_join(const std::string& id, const Annotations& annotations) {
  for (const Dialect& dialect : kDialects) {
    const auto type = annotations.find(dialect.type_key);
    if (type == annotations.end()) continue;
    if (type->second == dialect.container_type) return named_sandbox(id, dialect, annotations);
    if (type->second != dialect.sandbox_type) {
      refuse(dialect.type_key, type->second,
             std::string("is neither ") + quoted(dialect.sandbox_type) + " nor " + quoted(dialect.container_type));
    }
    check_own_id(id, dialect, annotations);
    return std::nullopt;
  }
  return std::nullopt;
}

bool is_pod_without_sandbox(const ContainerStore& store, const std::string& sandbox_id,
                            const Annotations& annotations) {
  struct stat status {};
  check_container_id(sandbox_id);
  return is_podmans(annotations) && ::stat(store.directory(sandbox_id).c_str(), &status) != 0 && errno == ENOENT;
}

ContainerState load_sandbox(const ContainerStore& store, const std::string& sandbox_id) {
  check_container_id(sandbox_id);
  check_owner(store, sandbox_id);
  std::optional<ContainerState> state;
  try {
    state = store.load(sandbox_id);
  } catch (const UserError& error) {
    throw UserError("sandbox " + quoted(sandbox_id) + ": " + error.what());
  }
  if (!state->sandbox_id.empty() || (!is_pod_sandbox(state->annotations) && !is_podmans(state->annotations))) {
    throw UserError("container " + quoted(sandbox_id) + " is not the sandbox of a pod");
  }
  if (state->status_now() == Status::kStopped || state->status_now() == Status::kCreating) {
    throw UserError("sandbox " + quoted(sandbox_id) + " is " + status_name(state->status_now()) + ", not running");
  }
  return *state;
}

void refuse_foreign_namespaces(const oci::Spec& spec) {
  using enum oci::NamespaceType;
  constexpr std::pair<oci::NamespaceType, const char*> kInside[] = {{kPid, "pid"}, {kIpc, "ipc"}, {kUts, "uts"}};
  for (const auto& [type, name] : kInside) {
    const oci::Namespace* ns = oci::find_namespace(spec, type);
    if (ns == nullptr || ns->path.empty() || is_callers_own(ns->path, name)) continue;
    throw UserError("config.json: linux.namespaces: " + std::string(name) + ": " + quoted(ns->path) +
                    " cannot be joined: it is inside another sandbox or the host's; containers share it when the "
                    "annotations of a pod put them into one sandbox");
  }
}

NamespaceSharing shared_namespaces(const oci::Spec& spec, const ContainerStore& store, const ContainerState& sandbox) {
  return Sharing(spec, store, sandbox).run();
}

}  // namespace runsc
