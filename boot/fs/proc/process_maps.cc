#include "boot/fs/proc/process_maps.h"

#include <sys/sysmacros.h>

#include "boot/fs/proc/escape.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/proc/shown_name.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fs_context.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

using ull = unsigned long long;
constexpr std::size_t kNameColumn = 73;

}  // namespace

std::string format_map_line(const MapLine& line) {
  std::string out;
  append_format(out, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", ull{line.start}, ull{line.end},
                (line.protection & PROT_READ) != 0 ? 'r' : '-', (line.protection & PROT_WRITE) != 0 ? 'w' : '-',
                (line.protection & PROT_EXEC) != 0 ? 'x' : '-', line.shared ? 's' : 'p', ull{line.offset},
                major(line.device), minor(line.device), ull{line.inode});
  if (!line.name.empty()) {
    if (out.size() < kNameColumn) out.resize(kNameColumn, ' ');
    out += escape_octal(line.name, "\n");
  }
  return out + "\n";
}

MapLine map_line(const Vma& vma, const VfsPath& root) {
  MapLine line{
      .start = vma.start, .end = vma.end, .protection = vma.protection, .shared = vma.shared, .name = vma.name};
  if (!vma.file) return line;
  line.offset = vma.offset;
  const Result<FileAttributes> attributes = vma.file->attributes();
  if (attributes.ok()) {
    line.device = attributes->device;
    line.inode = attributes->inode;
  }
  if (line.name.empty()) line.name = shown_name(*vma.file, root);
  return line;
}

Result<std::string> show_maps(const ProcessView& view) {
  const auto memory = view.task->memory();
  const auto fs = view.task->fs();
  if (!memory || !fs) return std::string();
  const VfsPath root = fs->root();
  std::string out;
  for (const Vma& vma : memory->vmas()) out += format_map_line(map_line(vma, root));
  return out;
}

}  // namespace runsc
