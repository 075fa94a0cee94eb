#include "sandbox/cgroup/hugepage_sizes.h"

#include <cstdio>
#include <filesystem>

namespace runsc {
namespace {

std::string spell(unsigned long kilobytes) {
  constexpr unsigned long kStep = 1024;
  if (kilobytes >= kStep * kStep) return std::to_string(kilobytes / kStep / kStep) + "GB";
  if (kilobytes >= kStep) return std::to_string(kilobytes / kStep) + "MB";
  return std::to_string(kilobytes) + "KB";
}

}  // namespace

std::vector<std::string> hugepage_sizes() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    unsigned long kilobytes = 0;
    if (std::sscanf(entry.path().filename().c_str(), "hugepages-%lukB", &kilobytes) == 1) {
      out.push_back(spell(kilobytes));
    }
  }
  return out;
}

}  // namespace runsc
