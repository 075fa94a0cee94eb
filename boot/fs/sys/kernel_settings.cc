// kernel/: what allocators and language runtimes ask about memory.
#include "boot/fs/sys/sys_file_system.h"

namespace runsc {

void add_kernel_settings(FixedDirectory& root) {
  FixedDirectory& kernel = static_cast<FixedDirectory&>(**root.lookup("kernel"));
  FixedDirectory& memory = kernel.add_directory("mm", 0755);
  FixedDirectory& huge = memory.add_directory("transparent_hugepage", 0755);
  add_value(huge, "enabled", "always [madvise] never");
  add_value(huge, "defrag", "always defer defer+madvise [madvise] never");
  add_value(huge, "shmem_enabled", "always within_size advise [never] deny force");
  add_value(huge, "hpage_pmd_size", "2097152");
  add_value(huge, "use_zero_page", "1");
  FixedDirectory& pages = memory.add_directory("hugepages", 0755).add_directory("hugepages-2048kB", 0755);
  for (const char* name :
       {"nr_hugepages", "free_hugepages", "resv_hugepages", "surplus_hugepages", "nr_overcommit_hugepages"})
    add_value(pages, name, "0");
  for (const char* name : {"debug", "security", "tracing"}) kernel.add_directory(name, 0755);
  add_value(kernel, "uevent_seqnum", "0");
  add_value(kernel, "profiling", "0");
}

}  // namespace runsc
