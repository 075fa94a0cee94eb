// Terminal: what sessions and process groups know of their controlling terminal (tty_ioctl(4), credentials(7)).
#pragma once

#include <cstdint>
#include <memory>

#include "boot/abi/ids.h"
#include "boot/base/result.h"
#include "boot/kernel/task_tree.h"
#include "boot/vfs/inode.h"

namespace runsc {

class ProcessGroup;
class Session;
class ThreadGroup;

// Job control of one terminal, whatever its kind. Everything is reached with the task tree's lock held.
class Terminal : public std::enable_shared_from_this<Terminal> {
 public:
  virtual ~Terminal() = default;

  // Another open file of the terminal: /dev/tty, /dev/console. ENXIO: cannot be opened again. Without the tree's lock.
  virtual Result<FilePtr> open(const VfsPath& path, OpenFlags flags);
  // As makedev(3) builds it, for /proc/<pid>/stat; 0: it has none.
  virtual std::uint64_t device() const { return 0; }

  // Cuts off everybody who has it open, and its session (vhangup(2)). A terminal of the host, which others outside use,
  // cannot be: nothing happens. Without the tree's lock.
  virtual void hang_up() {}

  // TIOCSCTTY. EPERM: the caller does not lead its session, the session has a terminal, or this terminal controls
  // another session (`steal`: takes it away, which needs CAP_SYS_ADMIN). Success if it controls this session already.
  Result<void> acquire(TaskTree& tree, ThreadGroup& caller, bool steal);
  // TIOCNOTTY. ENOTTY: not the caller's controlling terminal. A session leader takes it from the whole session; the
  // caller of this function then sends SIGHUP and SIGCONT to the group that is returned (null: to nobody).
  Result<std::shared_ptr<ProcessGroup>> release(TaskTree& tree, ThreadGroup& caller);
  // TIOCGPGRP: null when there is no such group any more. ENOTTY: not the caller's controlling terminal.
  Result<std::shared_ptr<ProcessGroup>> foreground(TaskTree& tree, ThreadGroup& caller) const;
  // TIOCSPGRP; `id` as the caller's namespace numbers it. ENOTTY as above, ESRCH: no such group, EPERM: of another
  // session.
  Result<void> set_foreground(TaskTree& tree, ThreadGroup& caller, Pid id);
  // TIOCGSID. ENOTTY as above.
  Result<Pid> session_id(TaskTree& tree, ThreadGroup& caller) const;
  // Of the session that it controls, whoever asks. ENOTTY: none.
  Result<Pid> session_id(TaskTree& tree) const;
  // The id of the group in the foreground, which may have no member any more; 0: there was none yet.
  Pid foreground_id(TaskTree& tree) const;
  // The terminal hangs up: its session has none any more, and the leader hears of it (SIGHUP, SIGCONT).
  void disconnect(TaskTree& tree);
  // Whether `caller` has it as controlling terminal but is not in the foreground: reads and changes of settings then
  // are for SIGTTIN and SIGTTOU to decide.
  bool in_background(TaskTree& tree, ThreadGroup& caller) const;
  // The group that gets SIGINT, SIGWINCH ..; null when there is none.
  std::shared_ptr<ProcessGroup> foreground(TaskTree& tree) const;

 private:
  bool controls(TaskTree& tree, ThreadGroup& caller) const;

  std::weak_ptr<Session> session_;
  // As the session's namespace numbers it; 0: none. By number, since the group may begin later and end earlier.
  Pid foreground_id_{};
};

// `ended`, whose last task has ended, leads its session: the foreground hears SIGHUP, and nobody of the session has a
// terminal any more. Does nothing for others.
void leave_terminal_at_exit(TaskTree& tree, ThreadGroup& ended);

}  // namespace runsc
