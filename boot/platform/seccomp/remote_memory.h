// Copies to and from another process's memory.
#pragma once

#include <sys/types.h>

#include <span>

#include "boot/base/result.h"
#include "boot/platform/platform.h"
#include "boot/platform/seccomp/reserved.h"

namespace runsc::seccomp {

class RemoteMemory {
 public:
  RemoteMemory(pid_t pid, const AddressRules& rules) : pid_(pid), rules_(rules) {}

  // As AddressSpace::readv and writev.
  Result<std::size_t> read(std::span<const AddressSpace::Range> ranges, std::span<std::byte> to) const;
  Result<std::size_t> write(std::span<const AddressSpace::Range> ranges, std::span<const std::byte> from) const;

 private:
  pid_t pid_;
  const AddressRules& rules_;
};

}  // namespace runsc::seccomp
