#include "boot/fs/proc/process_inode.h"

namespace runsc {

PseudoAttributes process_attributes(const ProcessRef& ref, std::uint32_t mode) {
  PseudoAttributes attributes{mode};
  const Result<TaskPtr> task = ref.task();
  if (!task.ok()) return attributes;
  constexpr std::uint32_t kOpenDirectory = S_IFDIR | 0555;
  if (mode != kOpenDirectory && (*task)->group()->dumpable.load() != 1) return attributes;
  if (const CredentialsPtr credentials = (*task)->credentials()) {
    attributes.uid = credentials->effective_uid;
    attributes.gid = credentials->effective_gid;
  }
  return attributes;
}

}  // namespace runsc
