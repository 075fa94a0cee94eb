#include "boot/fs/proc/shown_name.h"

#include "boot/vfs/path_walk.h"

namespace runsc {

std::string shown_name(const VfsPath& path, const VfsPath& root) {
  ShownPath shown = show_path(path, root);
  if (shown.deleted) shown.text += " (deleted)";
  return shown.text;
}

std::string shown_name(const FileDescription& file, const VfsPath& root) {
  return file.path() ? shown_name(file.path(), root) : file.anonymous_name();
}

}  // namespace runsc
