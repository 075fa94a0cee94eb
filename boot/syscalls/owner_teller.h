// Tells the owner of an open file (F_SETOWN, F_SETSIG of fcntl(2)) by a signal that something happened to the file.
#pragma once

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// What it holds does not keep the file. Thread-safe.
class OwnerTeller {
 public:
  // `fd` is what the signal calls the file; owners are named as in the caller's pid namespace.
  OwnerTeller(CurrentTask& task, Fd fd, const FilePtr& file);

  // Sends the signal to who owns the file now, unless that is a process to which the owner's namer may not send it.
  // `code`, `band`: POLL_IN .. and POLLIN .. of a siginfo. Takes kTasks.
  void tell(int code, std::int64_t band) const;

 private:
  Kernel& kernel_;
  const PidNamespacePtr names_;
  const std::weak_ptr<FileDescription> file_;
  const int fd_;
};

}  // namespace runsc
