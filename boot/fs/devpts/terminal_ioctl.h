// The ioctls of pseudoterminals (tty_ioctl(4), pty(7)) apart from job control.
#pragma once

#include <cstdint>

#include "boot/base/result.h"
#include "boot/fs/devpts/pty.h"

namespace runsc {

class CurrentTask;

Result<std::int64_t> slave_ioctl(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument);
Result<std::int64_t> master_ioctl(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument);

}  // namespace runsc
