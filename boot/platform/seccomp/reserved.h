// The choke point: which addresses of an application's address space the kernel may be asked to touch.
#pragma once

#include <cstdint>

#include "boot/base/result.h"
#include "boot/platform/platform.h"

namespace runsc::seccomp {

// Every operation of an address space, and every system call that is continued natively, passes one of these.
class AddressRules {
 public:
  explicit AddressRules(const Platform::Layout& layout) : layout_(layout) {}

  // A range to map, unmap or change: page-aligned (EINVAL), below task_size, clear of the stub, the vdso and its data
  // (ENOMEM).
  Result<void> check_mapping(std::uint64_t address, std::uint64_t length) const;
  // The same for a range whose ends the host would round to pages by itself.
  Result<void> check_rounded_mapping(std::uint64_t address, std::uint64_t length) const;
  // How many of `length` bytes at `address` may be copied, up to the first that may not.
  std::uint64_t accessible(std::uint64_t address, std::uint64_t length) const;

 private:
  Platform::Layout layout_;
};

}  // namespace runsc::seccomp
