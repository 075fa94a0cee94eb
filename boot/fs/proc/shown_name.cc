#include "boot/fs/proc/shown_name.h"

#include <string_view>

#include "boot/vfs/path_walk.h"

namespace runsc {

std::string shown_name(const VfsPath& path, const VfsPath& root) {
  ShownPath shown = show_path(path, root);
  // Links of proc do not say so (d_path of Linux; getcwd(2) does): the program of a task that has left its mount
  // namespace still reads as a path.
  constexpr std::string_view kUnreachable = "(unreachable)";
  if (shown.text.starts_with(kUnreachable)) shown.text.erase(0, kUnreachable.size());
  if (shown.deleted) shown.text += " (deleted)";
  return shown.text;
}

std::string shown_name(const FileDescription& file, const VfsPath& root) {
  return file.path() ? shown_name(file.path(), root) : file.anonymous_name();
}

}  // namespace runsc
