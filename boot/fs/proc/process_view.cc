#include "boot/fs/proc/process_view.h"

namespace runsc {

Result<ProcessView> view_of(ProcFileSystem& file_system, const ProcessRef& ref) {
  TaskPtr task = TRY(ref.task());
  return ProcessView{file_system, std::move(task), ref.whole_process()};
}

Result<void> may_look(const Credentials& reader, const Task& target) {
  const CredentialsPtr theirs = target.credentials();
  if (!theirs || theirs.get() == &reader || reader.has_in(theirs->user_namespace, CAP_SYS_PTRACE)) return {};
  const bool same_user = theirs->real_uid == reader.fs_uid && theirs->effective_uid == reader.fs_uid &&
                         theirs->saved_uid == reader.fs_uid && theirs->real_gid == reader.fs_gid &&
                         theirs->effective_gid == reader.fs_gid && theirs->saved_gid == reader.fs_gid;
  const bool dumpable = target.group()->dumpable.load() == 1;
  if (theirs->user_namespace != reader.user_namespace) return Errno(EACCES);
  if (same_user && dumpable && theirs->permitted.subset_of(reader.effective)) return {};
  return Errno(EACCES);
}

Result<void> may_look(CurrentTask& reader, const Task& target) {
  if (target.group().get() == &reader.group()) return {};
  return may_look(*reader.credentials(), target);
}

}  // namespace runsc
