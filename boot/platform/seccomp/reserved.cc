#include "boot/platform/seccomp/reserved.h"

#include <algorithm>

#include "boot/base/checked.h"

namespace runsc::seccomp {
namespace {

bool overlap(std::uint64_t start, std::uint64_t end, std::uint64_t other_start, std::uint64_t other_end) {
  return start < other_end && other_start < end;
}

}  // namespace

Result<void> AddressRules::check_mapping(std::uint64_t address, std::uint64_t length) const {
  if (!page_aligned(address) || !page_aligned(length) || length == 0) return Errno(EINVAL);
  const auto end = checked_add(address, length);
  if (!end || *end > layout_.task_size) return Errno(ENOMEM);
  if (overlap(address, *end, layout_.reserved_start, layout_.reserved_end)) return Errno(ENOMEM);
  if (overlap(address, *end, layout_.vdso, layout_.vdso + layout_.vdso_size)) return Errno(ENOMEM);
  if (overlap(address, *end, layout_.vvar, layout_.vvar + layout_.vvar_size)) return Errno(ENOMEM);
  return {};
}

Result<void> AddressRules::check_rounded_mapping(std::uint64_t address, std::uint64_t length) const {
  if (length == 0) return {};
  const auto end = checked_add(address, length);
  const auto rounded_end = end ? page_ceil(*end) : std::nullopt;
  if (!rounded_end) return Errno(ENOMEM);
  return check_mapping(page_floor(address), *rounded_end - page_floor(address));
}

std::uint64_t AddressRules::accessible(std::uint64_t address, std::uint64_t length) const {
  if (address >= layout_.task_size) return 0;
  if (address >= layout_.reserved_start && address < layout_.reserved_end) return 0;
  const std::uint64_t limit = address < layout_.reserved_start ? layout_.reserved_start : layout_.task_size;
  return std::min(length, limit - address);
}

}  // namespace runsc::seccomp
