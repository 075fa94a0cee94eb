// /proc/<pid> and /proc/<pid>/task/<tid>.
#pragma once

#include "boot/fs/proc/process_inode.h"
#include "boot/kernel/names_process.h"

namespace runsc {

// One process or thread.
class ProcessDirectory : public ProcessInode<PseudoDirectory>, public NamesProcess {
 public:
  // `in_task`: it is /proc/<pid>/task/<tid>.
  ProcessDirectory(ProcFileSystem& file_system, ProcessRef ref, bool in_task)
      : ProcessInode(file_system, std::move(ref), S_IFDIR | 0555), in_task_(in_task) {}

  Result<InodePtr> lookup(std::string_view name) override;
  std::vector<PseudoEntry> list() override;
  Result<ThreadGroupPtr> named_process() const override {
    if (in_task_) return Errno(EBADF);
    ThreadGroupPtr group = ref().group();
    if (group == nullptr) return Errno(ESRCH);
    return group;
  }

  // Whether `id` still names what this directory shows.
  bool is_still(Pid id) const { return ref().is_still(id); }

 private:
  const bool in_task_;
};

// Whether a cached `child` of a directory of processes still is what its name means.
bool still_valid(std::string_view name, const InodePtr& child);

}  // namespace runsc
