#include "boot/fs/proc/meminfo.h"

#include <sys/sysinfo.h>

#include <algorithm>

#include "boot/base/checked.h"
#include "boot/fs/proc/system_files.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/resident.h"
#include "boot/kernel/task.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

using ull = unsigned long long;

// As sysinfo(2) of the application says; in a container with a limit that is the memory there is, and what its own
// processes have in use is what is missing from it.
SystemMemory system_memory(Kernel& kernel) {
  struct sysinfo host {};
  ::sysinfo(&host);
  const std::uint64_t unit = host.mem_unit;
  const SystemMemory all{host.totalram * unit, host.freeram * unit, host.bufferram * unit};
  Task* const reader = task_of_this_thread();
  ControlGroup* const container = reader != nullptr ? reader->group()->control_group().get() : nullptr;
  const std::uint64_t limit = container != nullptr ? container->shown_memory.load() : 0;
  if (limit == 0 || limit >= all.total) return all;
  return {limit, limit - std::min(limit, anonymous_bytes(kernel, *container)), 0};
}

void line(std::string& out, const char* key, std::uint64_t bytes) {
  append_format(out, "%-16s%8llu kB\n", key, ull{bytes / 1024});
}

}  // namespace

std::string format_meminfo(const SystemMemory& memory) {
  const std::uint64_t used = memory.total - std::min(memory.total, memory.free + memory.buffers);
  std::string out;
  line(out, "MemTotal:", memory.total);
  line(out, "MemFree:", memory.free);
  line(out, "MemAvailable:", memory.free + memory.buffers);
  line(out, "Buffers:", 0);
  line(out, "Cached:", memory.buffers);
  line(out, "SwapCached:", 0);
  line(out, "Active:", used);
  line(out, "Inactive:", memory.buffers);
  line(out, "Active(anon):", used);
  line(out, "Inactive(anon):", 0);
  line(out, "Active(file):", 0);
  line(out, "Inactive(file):", memory.buffers);
  for (const char* key : {"Unevictable:", "Mlocked:", "SwapTotal:", "SwapFree:", "Dirty:", "Writeback:"})
    line(out, key, 0);
  line(out, "AnonPages:", used);
  for (const char* key : {"Mapped:", "Shmem:", "KReclaimable:", "Slab:", "SReclaimable:", "SUnreclaim:", "KernelStack:",
                          "PageTables:", "NFS_Unstable:", "Bounce:", "WritebackTmp:"})
    line(out, key, 0);
  line(out, "CommitLimit:", memory.total / 2);
  line(out, "Committed_AS:", used);
  line(out, "VmallocTotal:", (1ULL << 45) - 1024);
  for (const char* key :
       {"VmallocUsed:", "VmallocChunk:", "Percpu:", "AnonHugePages:", "ShmemHugePages:", "ShmemPmdMapped:"})
    line(out, key, 0);
  for (const char* key : {"HugePages_Total:", "HugePages_Free:", "HugePages_Rsvd:", "HugePages_Surp:"})
    append_format(out, "%-16s%8d\n", key, 0);
  line(out, "Hugepagesize:", 2 << 20);
  return out;
}

std::string show_meminfo(Kernel& kernel) { return format_meminfo(system_memory(kernel)); }

std::string show_vmstat(Kernel& kernel) {
  const SystemMemory memory = system_memory(kernel);
  std::string out;
  append_format(out, "nr_free_pages %llu\n", ull{memory.free / kPageSize});
  append_format(out, "nr_file_pages %llu\n", ull{memory.buffers / kPageSize});
  for (const char* key :
       {"nr_dirty", "nr_writeback", "pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault", "oom_kill"})
    append_format(out, "%s 0\n", key);
  return out;
}

std::string show_zoneinfo(Kernel& kernel) {
  const SystemMemory memory = system_memory(kernel);
  std::string out;
  append_format(out,
                "Node 0, zone   Normal\n  pages free     %llu\n        min      0\n        low      0\n"
                "        high     0\n        spanned  %llu\n        present  %llu\n        managed  %llu\n",
                ull{memory.free / kPageSize}, ull{memory.total / kPageSize}, ull{memory.total / kPageSize},
                ull{memory.total / kPageSize});
  return out;
}

}  // namespace runsc
