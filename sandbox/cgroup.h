// The cgroups of a container.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runsc/oci/spec.h"

namespace runsc {

// The directories for linux.cgroupsPath under every controller that the host has mounted; none for an empty path.
// Throws UserError.
std::vector<std::string> plan_cgroups(const oci::Spec& spec);

// Makes them and writes the limits of linux.resources. What was made is removed again when something fails. Throws
// UserError.
void create_cgroups(const oci::Spec& spec);

// Moves a process, which runs none of the application's code yet, into all of them.
void enter_cgroups(const std::vector<std::string>& cgroups, pid_t pid);

// What is gone already, or is still busy with a dying process after a while, is no error.
void remove_cgroups(const std::vector<std::string>& cgroups) noexcept;

}  // namespace runsc
