#include "boot/syscalls/owner_teller.h"

#include <fcntl.h>

#include "boot/kernel/process_group.h"
#include "boot/kernel/signal_send.h"

namespace runsc {
namespace {

// fcntl(2), F_SETOWN: the credentials of who named the owner count, as they were then.
bool may_tell(const FileDescription::AsyncOwner& owner, const Task& target) {
  const CredentialsPtr credentials = target.credentials();
  if (!credentials) return false;
  const auto is = [&](Uid uid) { return uid == credentials->real_uid || uid == credentials->saved_uid; };
  return raw(owner.effective_uid) == 0 || is(owner.effective_uid) || is(owner.uid);
}

}  // namespace

OwnerTeller::OwnerTeller(CurrentTask& task, Fd fd, const FilePtr& file)
    : kernel_(task.kernel()), names_(task.task().pid_namespace()), file_(file), fd_(raw(fd)) {}

void OwnerTeller::tell(int code, std::int64_t band) const {
  const FilePtr file = file_.lock();
  if (file == nullptr) return;
  const FileDescription::AsyncOwner owner = file->async_owner();
  const SignalInfo info = owner.signal != 0 ? io_signal(owner.signal, code, fd_, band) : kernel_signal(SIGIO);
  auto tree = kernel_.tasks().lock();
  if (owner.type == F_OWNER_PGRP) {
    ProcessGroup* const group = names_->find_group(*tree, Pid{owner.id});
    if (group == nullptr) return;
    // A copy: the end of a member changes the list.
    for (ThreadGroup* member : std::vector<ThreadGroup*>(group->members)) {
      const Task* const leader = member->links(*tree).leader;
      if (leader != nullptr && may_tell(owner, *leader)) (void)send_signal_to_group(*tree, *member, info);
    }
    return;
  }
  Task* const target = names_->find(*tree, Pid{owner.id});
  if (target == nullptr || !may_tell(owner, *target)) return;
  if (owner.type == F_OWNER_TID)
    (void)send_signal(*tree, *target, info);
  else
    (void)send_signal_to_group(*tree, *target->group(), info);
}

}  // namespace runsc
