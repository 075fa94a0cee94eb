// How one VMA stands in maps and smaps.
#pragma once

#include <string>

#include "boot/memory/vma.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

struct MapLine {
  std::uint64_t start = 0, end = 0;
  int protection = 0;
  bool shared = false;
  std::uint64_t offset = 0, device = 0, inode = 0;
  std::string name;
};

// With the newline. Names begin in column 73, as on 64-bit Linux.
std::string format_map_line(const MapLine& line);

// `root`: where the paths of files begin; empty after the exit.
MapLine map_line(const Vma& vma, const VfsPath& root);

}  // namespace runsc
