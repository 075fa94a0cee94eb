// What prctl(2) shares with seccomp(2).
#pragma once

#include "boot/kernel/current_task.h"

namespace runsc {

// prctl(2) PR_GET_SECCOMP and PR_SET_SECCOMP.
Result<long> get_seccomp(CurrentTask& task);
Result<long> set_seccomp_by_prctl(CurrentTask& task, std::uint64_t mode, UserAddress program);

}  // namespace runsc
