// The CPUID instruction, and its feature bits by the names that Linux gives them.
#pragma once

#include <string>

namespace runsc {

struct CpuidRegisters {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero for a leaf that the processor does not have.
CpuidRegisters cpuid(unsigned leaf, unsigned subleaf = 0);

std::string cpu_flags();

}  // namespace runsc
