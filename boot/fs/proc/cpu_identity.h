// What the CPUID instruction says about the processor, in the words of /proc/cpuinfo.
#pragma once

#include <string>

namespace runsc {

struct CpuIdentity {
  std::string vendor, name;
  unsigned family = 0, model = 0, stepping = 0;
  unsigned cpuid_level = 0;
  double megahertz = 0;
  unsigned cache_kib = 0;  // of the last level
  unsigned flush_bytes = 64;
  unsigned physical_bits = 0, virtual_bits = 0;
  std::string flags;  // as Linux names them, blanks between
};

CpuIdentity identify_cpu();

// One block for each of `count` processors.
// `set`: the processors, one bit each.
std::string format_cpuinfo(const CpuIdentity& cpu, std::uint64_t set);

}  // namespace runsc
