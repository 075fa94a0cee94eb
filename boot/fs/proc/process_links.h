// Links of one process that lead to an object, not to a name: exe, cwd, root (proc(5)).
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

// Who may not look into the process (may_look()) gets EACCES. The place is empty when the process has none (any more):
// ENOENT.
class ProcessLink : public ProcessInode<PseudoInode> {
 public:
  using Find = VfsPath (*)(const Task& task);
  ProcessLink(ProcFileSystem& file_system, ProcessRef ref, Find find)
      : ProcessInode(file_system, std::move(ref), S_IFLNK | 0777), find_(find) {}

  // Without a reader, as the process itself sees it.
  Result<std::string> read_link() override;
  Result<std::string> read_link_for(CurrentTask& reader) override;
  Result<VfsPath> follow_magic_link(CurrentTask& reader) override;

 private:
  Result<VfsPath> place(CurrentTask& reader);

  const Find find_;
};

InodePtr make_exe_link(ProcFileSystem& file_system, const ProcessRef& ref);
InodePtr make_cwd_link(ProcFileSystem& file_system, const ProcessRef& ref);
InodePtr make_root_link(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
