// From an executable file to an address space that is ready to run: what execve(2) does before the point of no return.
//
// Knows nothing of tasks, so that the first program of a container is loaded before any exists. Nothing of the caller
// changes: on an error the new address space disappears.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/result.h"
#include "boot/kernel/credentials.h"
#include "boot/memory/memory_manager.h"
#include "boot/platform/platform.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// How the loader finds interpreters.
class ExecutableOpener {
 public:
  virtual ~ExecutableOpener() = default;
  // Opens for execution with the rights of the task that execs: a regular file with execute permission, not on a noexec
  // mount (EACCES); symlinks are followed. The result can be read whether or not the task may read the file.
  virtual Result<FilePtr> open_executable(std::string_view path) = 0;
};

struct LoadRequest {
  Platform& platform;
  ExecutableOpener& opener;
  FilePtr file;      // opened by the opener's rules
  std::string path;  // as the caller named it, or "/dev/fd/N[/...]" for execveat(2) relative to a descriptor:
                     // AT_EXECFN, and what a script's interpreter gets
  bool path_inaccessible = false;  // `path` goes through a close-on-exec descriptor: ENOENT for scripts
  std::vector<std::string> arguments, environment;
  CredentialsPtr credentials;           // of the caller
  std::uint64_t stack_limit = 8 << 20;  // RLIMIT_STACK
  MemoryManager::CallLimits limits;
  bool randomize = true;  // not under ADDR_NO_RANDOMIZE of personality(2)
  Platform::Birthplace* birthplace = nullptr;
};

struct LoadedImage {
  std::shared_ptr<MemoryManager> memory;
  ThreadState state;           // of the first thread
  std::string name;            // comm
  CredentialsPtr credentials;  // to apply: set-user-ID, set-group-ID, capabilities
  bool secure = false;         // AT_SECURE: the credentials were raised; not dumpable, no parent death signal
};

// ENOEXEC: no format that is known; ELOOP: more than five scripts in a row; ENOENT, EACCES ..: of an interpreter;
// E2BIG; ELIBBAD: a bad ELF interpreter; EINVAL, ENOMEM, EEXIST: addresses that cannot be.
Result<LoadedImage> load_image(const LoadRequest& request);

}  // namespace runsc
