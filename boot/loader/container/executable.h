// The program of a process that a configuration names.
#pragma once

#include <string>
#include <vector>

#include "boot/loader/container/failure.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

// The value of an environment variable, the last one where there are several; empty if absent.
std::string_view variable(const std::vector<std::string>& environment, std::string_view name);

struct Executable {
  FilePtr file;
  std::string path;
};

// As execvp(3): a name without a slash is looked for in PATH of `environment`, in the directories and with the rights
// of `context`. EACCES: found only where it may not be executed.
Result<Executable> find_executable(const WalkContext& context, const std::vector<std::string>& environment,
                                   const std::string& name);

// Why `name` cannot be run, in runc's words, which Docker and Podman look for.
StartFailure executable_failure(const std::string& name, Errno why);

}  // namespace runsc
