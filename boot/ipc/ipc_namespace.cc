#include "boot/ipc/ipc_namespace.h"

#include <utility>

#include "boot/vfs/inode.h"

namespace runsc {

FileSystemPtr IpcNamespace::posix_queues(const std::function<FileSystemPtr()>& make) {
  if (FileSystemPtr known = *posix_queues_.lock()) return known;
  FileSystemPtr made = make();
  auto current = posix_queues_.lock();
  if (!*current) *current = std::move(made);
  return *current;
}

}  // namespace runsc
