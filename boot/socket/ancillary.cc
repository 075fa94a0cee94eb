#include "boot/socket/ancillary.h"

#include "boot/kernel/current_task.h"
#include "boot/kernel/task.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

// Releases files without recursion: the outermost call on a thread does all that its files cause.
void release(std::vector<FilePtr> files) {
  thread_local std::vector<FilePtr>* pending = nullptr;
  if (pending != nullptr) {
    pending->insert(pending->end(), std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
    return;
  }
  pending = &files;
  while (!files.empty()) {
    FilePtr last = std::move(files.back());
    files.pop_back();
    last.reset();
  }
  pending = nullptr;
}

}  // namespace

Sender current_sender() {
  Task* task = task_of_this_thread();
  if (task == nullptr) return {};
  const CredentialsPtr credentials = task->credentials();
  return {task->group(), credentials->real_uid, credentials->real_gid};
}

Sender current_peer() {
  Task* task = task_of_this_thread();
  if (task == nullptr) return {};
  const CredentialsPtr credentials = task->credentials();
  return {task->group(), credentials->effective_uid, credentials->effective_gid};
}

ucred shown_credentials(CurrentTask& reader, const Sender& sender) {
  const UserNamespacePtr names = reader.credentials()->user_namespace;
  return {sender.group ? raw(sender.group->pid(*reader.task().pid_namespace())) : 0, raw(shown_uid(names, sender.uid)),
          raw(shown_gid(names, sender.gid))};
}

PassedFiles::PassedFiles(std::vector<FilePtr> files, InFlightCount count)
    : files_(std::move(files)), count_(std::move(count)) {
  if (count_) count_->fetch_add(static_cast<int>(files_.size()), std::memory_order_relaxed);
}

PassedFiles& PassedFiles::operator=(PassedFiles&& other) noexcept {
  clear();
  files_ = std::exchange(other.files_, {});
  count_ = std::exchange(other.count_, nullptr);
  return *this;
}

void PassedFiles::clear() {
  if (files_.empty()) return;
  if (count_) count_->fetch_sub(static_cast<int>(files_.size()), std::memory_order_relaxed);
  release(std::exchange(files_, {}));
}

}  // namespace runsc
