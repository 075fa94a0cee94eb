// Pods: which containers share a sandbox, as the annotations of their creators say.
//
// containerd's CRI plugin, CRI-O and Docker (for Kubernetes) each mark the first container of a pod, the "sandbox", and
// name it in the others. A container without such annotations is alone in a sandbox of its own.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "boot/loader/container_config.h"
#include "runsc/oci/spec.h"
#include "sandbox/container_store.h"
#include "sandbox/state.h"

namespace runsc {

// The id of the sandbox that the container `id` is to join; nullopt: it gets one of its own. Throws UserError for
// annotations that contradict themselves or the id.
std::optional<std::string> sandbox_to_join(const std::string& id,
                                           const std::map<std::string, std::string>& annotations);

// Podman's pods need not have a first container ("--infra=false"): what its containers name as their sandbox is then
// the pod, and each gets a sandbox of its own.
bool is_pod_without_sandbox(const ContainerStore& store, const std::string& sandbox_id,
                            const std::map<std::string, std::string>& annotations);

// The state of that sandbox. Throws UserError, with its name, when it does not exist, is another user's, is no sandbox
// of a pod, or does not run.
ContainerState load_sandbox(const ContainerStore& store, const std::string& sandbox_id);

// Which containers' namespaces the configuration wants to share. It names them by /proc/<pid>/ns/<type>, where the pid
// is the one that we gave for a container of the sandbox. Throws UserError for namespaces of others: they are not
// inside.
NamespaceSharing shared_namespaces(const oci::Spec& spec, const ContainerStore& store, const ContainerState& sandbox);

// For a container in a sandbox of its own: throws UserError where it wants to join somebody's pid, ipc or uts namespace
// by path. The host's own is no error: without a sandbox it would be shared, and the sandbox has its own instead.
void refuse_foreign_namespaces(const oci::Spec& spec);

}  // namespace runsc
