// Files as execve(2) opens them.
#pragma once

#include <memory>
#include <string_view>

#include "boot/loader/load_image.h"
#include "boot/vfs/path_walk.h"

namespace runsc {

// Opens a place that was found for execution: EACCES unless it is a regular file that `credentials` may execute, on a
// mount without noexec. It can be read whether or not they may read it. Nobody can open it for writing as long as the
// file lives: ETXTBSY if somebody has.
Result<FilePtr> open_for_execution(const WalkContext& context, const VfsPath& path);

// Finds interpreters with the rights and from the root of `context`, which it borrows.
class ContextOpener : public ExecutableOpener {
 public:
  explicit ContextOpener(const WalkContext& context) : context_(context) {}
  Result<FilePtr> open_executable(std::string_view path) override;

 private:
  const WalkContext& context_;
};

}  // namespace runsc
