// What /proc calls an open file.
#pragma once

#include <string>

#include "boot/vfs/file_description.h"

namespace runsc {

// The path as `root` shows it, with " (deleted)" after names that are gone; "pipe:[7]" and the like for others.
std::string shown_name(const FileDescription& file, const VfsPath& root);
std::string shown_name(const VfsPath& path, const VfsPath& root);

}  // namespace runsc
