// Signals about files: leases (F_SETLEASE) and directory notification (F_NOTIFY) of fcntl(2).
#pragma once

#include "boot/kernel/current_task.h"

namespace runsc {

// F_SETLEASE. `argument`: F_RDLCK, F_WRLCK, F_UNLCK. EINVAL: not a regular file; EACCES: of somebody else, without
// CAP_LEASE; EAGAIN: the file is in use otherwise, or there was no lease to give up.
Result<long> set_lease(CurrentTask& task, Fd fd, const FilePtr& file, std::uint64_t argument);
// F_GETLEASE: F_RDLCK, F_WRLCK or F_UNLCK.
long get_lease(FileDescription& file);

// F_NOTIFY. `argument`: DN_*; 0 ends it. ENOTDIR.
Result<long> set_directory_notification(CurrentTask& task, Fd fd, const FilePtr& file, std::uint64_t argument);

}  // namespace runsc
