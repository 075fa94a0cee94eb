// Resource limits that a process has because its caller has them.
#pragma once

#include <vector>

#include "boot/loader/process_config.h"

namespace runsc {

// All resources: those of `named`, which are config.json's, and of the others what this process has, as what runc
// starts inherits from it. No more descriptors than the application kernel allows at most.
std::vector<ContainerRlimit> with_own_limits(std::vector<ContainerRlimit> named);

}  // namespace runsc
