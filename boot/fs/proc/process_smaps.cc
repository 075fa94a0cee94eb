#include "boot/fs/proc/process_maps.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/resident.h"

namespace runsc {
namespace {

using ull = unsigned long long;

// What is known about the memory of one VMA, or of many.
struct Sizes {
  std::uint64_t resident = 0, anonymous = 0, file_clean = 0, shared_memory = 0, locked = 0;

  void add(const Sizes& other) {
    resident += other.resident;
    anonymous += other.anonymous;
    file_clean += other.file_clean;
    shared_memory += other.shared_memory;
    locked += other.locked;
  }
};

Sizes sizes_of(MemoryManager& memory, const Vma& vma) {
  Sizes sizes;
  sizes.resident = resident_bytes(memory, vma);
  // Which pages were written is the host's knowledge: all that may have been count, so that gdb's core file has them.
  const VmaKind kind = vma.own_pages ? VmaKind::kAnonymous : kind_of(vma);
  (kind == VmaKind::kAnonymous ? sizes.anonymous
   : kind == VmaKind::kFile    ? sizes.file_clean
                               : sizes.shared_memory) = sizes.resident;
  if (vma.locked) sizes.locked = sizes.resident;
  return sizes;
}

void line(std::string& out, const char* key, std::uint64_t bytes) {
  append_format(out, "%-16s%8llu kB\n", key, ull{bytes / 1024});
}

// Pages count as private: who shares them is the host's knowledge.
void append_sizes(std::string& out, const Sizes& sizes) {
  line(out, "Rss:", sizes.resident);
  line(out, "Pss:", sizes.resident);
  line(out, "Pss_Dirty:", sizes.anonymous);
  line(out, "Shared_Clean:", 0);
  line(out, "Shared_Dirty:", 0);
  line(out, "Private_Clean:", sizes.file_clean);
  line(out, "Private_Dirty:", sizes.anonymous + sizes.shared_memory);
  line(out, "Referenced:", sizes.resident);
  line(out, "Anonymous:", sizes.anonymous);
  for (const char* key : {"LazyFree:", "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:", "Shared_Hugetlb:",
                          "Private_Hugetlb:", "Swap:", "SwapPss:"})
    line(out, key, 0);
  line(out, "Locked:", sizes.locked);
}

std::string flags_text(const Vma& vma) {
  std::string out = "VmFlags: ";
  const auto add = [&](bool set, const char* name) {
    if (set) out += std::string(name) + " ";
  };
  const auto has = [&](int bits, int wanted) { return (bits & wanted) != 0; };
  add(has(vma.protection, PROT_READ), "rd");
  add(has(vma.protection, PROT_WRITE), "wr");
  add(has(vma.protection, PROT_EXEC), "ex");
  add(vma.shared, "sh");
  add(has(vma.max_protection, PROT_READ), "mr");
  add(has(vma.max_protection, PROT_WRITE), "mw");
  add(has(vma.max_protection, PROT_EXEC), "me");
  add(vma.shared, "ms");
  add(vma.grows_down, "gd");
  add(vma.locked, "lo");
  add(vma.dont_fork, "dc");
  add(!vma.no_reserve && (vma.is_data() || vma.own_pages), "ac");
  add(vma.no_reserve, "nr");
  add(vma.dont_dump, "dd");
  add(vma.wipe_on_fork, "wf");
  return out + "\n";
}

}  // namespace

Result<std::string> show_smaps(const ProcessView& view) {
  const auto memory = view.task->memory();
  const auto fs = view.task->fs();
  if (!memory || !fs) return std::string();
  const VfsPath root = fs->root();
  std::string out;
  for (const Vma& vma : memory->vmas()) {
    out += format_map_line(map_line(vma, root));
    line(out, "Size:", vma.length());
    out += "KernelPageSize:        4 kB\nMMUPageSize:           4 kB\n";
    append_sizes(out, sizes_of(*memory, vma));
    out += "THPeligible:           0\n" + flags_text(vma);
  }
  return out;
}

Result<std::string> show_smaps_rollup(const ProcessView& view) {
  const auto memory = view.task->memory();
  if (!memory) return Errno(ESRCH);
  const std::vector<Vma> vmas = memory->vmas();
  if (vmas.empty()) return std::string();
  Sizes sum;
  for (const Vma& vma : vmas) sum.add(sizes_of(*memory, vma));
  std::string out = format_map_line({.start = vmas.front().start, .end = vmas.back().end, .name = "[rollup]"});
  append_sizes(out, sum);
  return out;
}

}  // namespace runsc
