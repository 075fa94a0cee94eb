#include "boot/fs/devpts/slave_file.h"

#include <sys/uio.h>

#include "boot/fs/devpts/terminal_ioctl.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/terminal_control.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

bool is_admin() {
  Task* task = task_of_this_thread();
  return task != nullptr && task->resources().credentials->has(CAP_SYS_ADMIN);
}

}  // namespace

Result<FilePtr> open_slave_file(PtyPtr pty, const VfsPath& path, OpenFlags flags) {
  const unsigned opened = TRY(pty->open_slave(is_admin()));
  return FilePtr(std::make_shared<SlaveFile>(path, flags, std::move(pty), opened));
}

Result<std::size_t> SlaveFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return Errno(ESPIPE);
  if (hung_up()) return std::size_t{0};
  TRY(check_background_use(*pty_, SIGTTIN));
  const bool patient = !flags().nonblocking() && (rwf & RWF_NOWAIT) == 0;
  return pty_->slave_read(sink, patient);
}

OptionalDeadline SlaveFile::read_deadline(std::int64_t started_ns) { return pty_->slave_read_deadline(started_ns); }

Result<std::size_t> SlaveFile::read_at_deadline(IoSink& sink) {
  const Result<std::size_t> count = pty_->slave_read(sink, false);
  return count.ok() || count.error() != Errno(EAGAIN) ? count : Result<std::size_t>(std::size_t{0});
}

Result<std::size_t> SlaveFile::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (hung_up()) return Errno(EIO);
  if ((pty_->settings().c_lflag & TOSTOP) != 0) TRY(check_background_use(*pty_, SIGTTOU));
  return pty_->slave_write(source);
}

EventMask SlaveFile::readiness(EventMask) {
  if (hung_up()) return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
  return pty_->slave_readiness();
}

Result<std::int64_t> SlaveFile::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (hung_up()) return Errno(command == TIOCSPGRP ? ENOTTY : EIO);
  if (is_job_control(command))
    return job_control(task, *pty_, TerminalSide::kOwn, flags().readable(), command, argument);
  if (changes_terminal(command)) TRY(check_background_use(*pty_, SIGTTOU));
  return slave_ioctl(task, *pty_, command, argument);
}

}  // namespace runsc
