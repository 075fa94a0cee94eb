#include "boot/syscalls/process_access.h"

namespace runsc {

bool may_attach(CurrentTask& task, Task& target) {
  if (target.group() == task.task().group()) return true;
  const Credentials& own = *task.credentials();
  const CredentialsPtr theirs = target.credentials();
  if (!theirs) return false;
  if (own.has_in(theirs->user_namespace, CAP_SYS_PTRACE)) return true;
  if (own.user_namespace != theirs->user_namespace) return false;
  const bool same_ids = own.real_uid == theirs->real_uid && own.real_uid == theirs->effective_uid &&
                        own.real_uid == theirs->saved_uid && own.real_gid == theirs->real_gid &&
                        own.real_gid == theirs->effective_gid && own.real_gid == theirs->saved_gid;
  return same_ids && target.group()->dumpable == 1 && theirs->permitted.subset_of(own.permitted);
}

}  // namespace runsc
