// Vma: one range of an address space with one protection and one backing (struct vm_area_struct).
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <string>

#include "boot/vfs/file_mappers.h"
#include "boot/vfs/inode.h"

namespace runsc {

// [start, end) in application addresses.
struct AddressRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;

  std::uint64_t length() const { return end - start; }
  bool empty() const { return start >= end; }
  bool overlaps(const AddressRange& other) const { return start < other.end && other.start < end; }
  bool contains(std::uint64_t address) const { return start <= address && address < end; }
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

struct Vma {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  int protection = 0;                                       // PROT_*
  int max_protection = PROT_READ | PROT_WRITE | PROT_EXEC;  // what mprotect(2) may grant
  bool shared = false;
  bool grows_down = false;
  bool locked = false;
  bool no_reserve = false;
  bool own_pages = false;     // a private file mapping that has been writable: no longer what the file holds
  bool dont_fork = false;     // MADV_DONTFORK
  bool wipe_on_fork = false;  // MADV_WIPEONFORK
  bool dont_dump = false;
  bool sealed = false;                   // mseal(2): the vdso and its data, which the host process needs
  FilePtr file;                          // null: anonymous
  std::uint64_t offset = 0;              // of `start` in the file
  std::shared_ptr<void> pin;             // FileMapping::pin
  std::shared_ptr<FileMappers> mappers;  // FileMapping::mappers
  bool beyond_end = false;               // parts lay behind the end of the file when they were mapped
  std::string name;  // "[heap]", "[stack]", "[vdso]", or empty; anonymous shared memory: "/dev/zero (deleted)"

  AddressRange range() const { return {start, end}; }
  std::uint64_t length() const { return end - start; }
  bool private_anonymous() const { return file == nullptr && !shared; }
  // What RLIMIT_DATA limits: private and writable, stacks apart.
  bool is_data() const { return (protection & PROT_WRITE) != 0 && !shared && !grows_down; }
  std::uint64_t file_offset(std::uint64_t address) const { return offset + (address - start); }
};

// The host's protection for PROT_* of the application. The processor has no memory that can be written and not read,
// and Linux's own copies do not ask; the host's process_vm_readv does.
constexpr int host_protection(int protection) {
  return (protection & PROT_WRITE) != 0 ? protection | PROT_READ : protection;
}

// Whether `next`, which starts where `vma` ends, continues it.
bool continues(const Vma& vma, const Vma& next);

}  // namespace runsc
