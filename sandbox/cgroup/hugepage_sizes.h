// The sizes of huge pages that the host has, as the files of cgroups spell them: "2MB", "1GB".
#pragma once

#include <string>
#include <vector>

namespace runsc {

std::vector<std::string> hugepage_sizes();

}  // namespace runsc
