#include "boot/fs/cpu/processors.h"
#include "boot/fs/proc/cpu_identity.h"
#include "boot/fs/proc/system_files.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/processors.h"

namespace runsc {

std::string format_cpuinfo(const CpuIdentity& cpu, std::uint64_t set) {
  std::string out;
  const std::vector<int> numbers = numbers_of(set);
  const int count = static_cast<int>(numbers.size());
  for (const int i : numbers) {
    append_format(out, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n", i,
                  cpu.vendor.c_str(), cpu.family, cpu.model, cpu.name.c_str());
    append_format(out, "stepping\t: %u\nmicrocode\t: 0xffffffff\ncpu MHz\t\t: %.3f\ncache size\t: %u KB\n",
                  cpu.stepping, cpu.megahertz, cpu.cache_kib);
    append_format(out, "physical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\n", count, i,
                  count, i);
    append_format(out, "initial apicid\t: %d\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", i,
                  cpu.cpuid_level);
    append_format(out, "flags\t\t: %s\nbugs\t\t:\nbogomips\t: %.2f\nclflush size\t: %u\n", cpu.flags.c_str(),
                  cpu.megahertz * 2, cpu.flush_bytes);
    append_format(out, "cache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n", cpu.flush_bytes,
                  cpu.physical_bits, cpu.virtual_bits);
    out += "power management:\n\n";
  }
  return out;
}

std::string show_cpuinfo(Kernel& kernel) { return format_cpuinfo(identify_cpu(), online_processors(kernel)); }

}  // namespace runsc
