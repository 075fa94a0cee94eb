#include "boot/platform/seccomp/host_vdso.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "boot/base/checked.h"

namespace runsc::seccomp {
namespace {

// The image ends with its section headers.
std::uint64_t image_size(std::uint64_t vdso) {
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(vdso);
  return page_ceil(header.e_shoff + std::uint64_t{header.e_shentsize} * header.e_shnum).value_or(0);
}

bool is_mapped(std::uint64_t page) {
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(page), kPageSize, &resident) == 0;
}

// The data pages are device-like memory (VM_PFNMAP): mapped, but refused to process_vm_readv. A stack or heap is not.
bool is_data_page(std::uint64_t page) {
  char byte = 0;
  const iovec local{&byte, 1};
  const iovec remote{reinterpret_cast<void*>(page), 1};
  return is_mapped(page) && process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 && errno == EFAULT;
}

}  // namespace

HostVdso find_host_vdso() {
  constexpr int kMaxDataPages = 32;
  HostVdso found;
  found.vdso = getauxval(AT_SYSINFO_EHDR);
  if (found.vdso == 0) return found;
  found.vdso_size = image_size(found.vdso);
  found.vvar = found.vdso;
  while (found.vvar_size < kMaxDataPages * kPageSize && is_data_page(found.vvar - kPageSize)) {
    found.vvar -= kPageSize;
    found.vvar_size += kPageSize;
  }
  return found;
}

}  // namespace runsc::seccomp
