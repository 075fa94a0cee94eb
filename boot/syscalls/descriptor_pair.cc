#include "boot/syscalls/descriptor_pair.h"

#include <array>

#include "boot/kernel/fd_table.h"

namespace runsc {

Result<void> install_pair(CurrentTask& task, std::pair<FilePtr, FilePtr> files, bool close_on_exec,
                          UserOut<int> where) {
  const Fd first = TRY(task.install(std::move(files.first), close_on_exec));
  const auto second = task.install(std::move(files.second), close_on_exec);
  if (!second.ok()) {
    (void)task.files().remove(first);
    return second.error();
  }
  const std::array<int, 2> numbers{raw(first), raw(*second)};
  const auto stored = task.write_array(where, std::span<const int>(numbers));
  if (!stored.ok()) {
    (void)task.files().remove(first);
    (void)task.files().remove(*second);
  }
  return stored;
}

}  // namespace runsc
