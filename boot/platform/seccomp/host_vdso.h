// Where the host has put the vdso and its data pages in this process, and so in every process cloned from it.
#pragma once

#include <cstdint>

namespace runsc::seccomp {

struct HostVdso {
  std::uint64_t vdso = 0;  // 0: the host has none
  std::uint64_t vdso_size = 0;
  std::uint64_t vvar = 0;
  std::uint64_t vvar_size = 0;
};

// Needs no /proc.
HostVdso find_host_vdso();

}  // namespace runsc::seccomp
