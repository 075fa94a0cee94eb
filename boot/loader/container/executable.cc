#include "boot/loader/container/executable.h"

#include "boot/loader/open_executable.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

Result<Executable> open_candidate(const WalkContext& context, std::string path) {
  const VfsPath place = TRY(walk(context, WalkFrom{context.cwd, 0}, path));
  return Executable{TRY(open_for_execution(context, place)), std::move(path)};
}

}  // namespace

std::string_view variable(const std::vector<std::string>& environment, std::string_view name) {
  for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry)
    if (entry->starts_with(name) && entry->size() > name.size() && (*entry)[name.size()] == '=')
      return std::string_view(*entry).substr(name.size() + 1);
  return {};
}

Result<Executable> find_executable(const WalkContext& context, const std::vector<std::string>& environment,
                                   const std::string& name) {
  if (name.find('/') != std::string::npos) return open_candidate(context, name);
  std::string_view path = variable(environment, "PATH");
  Errno error(ENOENT);
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view directory = path.substr(0, colon);
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
    Result<Executable> found = open_candidate(context, std::string(directory.empty() ? "." : directory) + "/" + name);
    if (found.ok()) return found;
    if (found.error() == Errno(EACCES)) error = found.error();
  }
  return error;
}

StartFailure executable_failure(const std::string& name, Errno why) {
  using enum StartFailure::Kind;
  const bool in_path = name.find('/') == std::string::npos;
  if (why == Errno(ENOENT) && in_path) return {"exec: \"" + name + "\": executable file not found in $PATH", kNotFound};
  if (why == Errno(ENOENT)) return {"exec: \"" + name + "\": stat " + name + ": no such file or directory", kNotFound};
  if (why == Errno(EACCES)) return {"exec: \"" + name + "\": permission denied", kNotExecutable};
  if (why == Errno(ENOEXEC)) return {"exec " + name + ": exec format error", kNotExecutable};
  return start_failure("exec " + name, why);
}

}  // namespace runsc
