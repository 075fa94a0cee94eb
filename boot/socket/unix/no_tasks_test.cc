// What the sockets need of tasks, for tests that have none: none of it is called there.
#include <cstdlib>

#include "boot/kernel/current_task.h"
#include "boot/kernel/user_memory.h"
#include "boot/vfs/path_walk.h"

namespace runsc {

AddressSpace& CurrentTask::user_memory() { std::abort(); }
Result<void> CurrentTask::sleep(std::uint32_t, const OptionalDeadline&) { std::abort(); }
Pid ThreadGroup::pid(const PidNamespace&) const { std::abort(); }
Result<void> write_exactly(AddressSpace&, std::uint64_t, std::span<const std::byte>) { std::abort(); }
Result<VfsPath> make_socket(CurrentTask&, std::string_view) { std::abort(); }
Result<WalkFrom> walk_from(CurrentTask&, Fd, std::string_view) { std::abort(); }
Result<VfsPath> walk(CurrentTask&, const WalkFrom&, std::string_view, WalkOptions) { std::abort(); }
Result<void> check_access(CurrentTask&, const VfsPath&, int) { std::abort(); }

}  // namespace runsc
