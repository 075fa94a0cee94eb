#include "boot/fs/devpts/master_file.h"

#include "boot/fs/devpts/slave_file.h"
#include "boot/fs/devpts/terminal_ioctl.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/terminal_control.h"
#include "boot/vfs/dentry.h"

namespace runsc {

MasterFile::~MasterFile() {
  file_system_->remove_pty(pty_->index());
  pty_->close_master();
}

Result<std::size_t> MasterFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  return pty_->master_read(sink);
}

Result<std::size_t> MasterFile::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  return pty_->master_write(source);
}

Result<std::int64_t> MasterFile::open_peer(CurrentTask& task, OpenFlags flags) {
  DentryPtr dentry = TRY(root_.dentry->child(std::to_string(pty_->index())));
  const VfsPath node{root_.mount, std::move(dentry)};
  if (node.dentry->negative()) return Errno(ENOENT);
  FilePtr peer = TRY(open_slave_file(pty_, node, flags));
  if (!flags.has(O_NOCTTY)) acquire_on_open(task, *pty_);
  return static_cast<std::int64_t>(TRY(task.install(std::move(peer), flags.close_on_exec())));
}

Result<std::int64_t> MasterFile::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (command == TIOCGPTPEER) return open_peer(task, OpenFlags{static_cast<int>(argument)});
  if (is_job_control(command))
    return job_control(task, *pty_, TerminalSide::kMaster, flags().readable(), command, argument);
  return master_ioctl(task, *pty_, command, argument);
}

}  // namespace runsc
