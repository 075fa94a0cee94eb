#include "boot/fs/devpts/terminal_ioctl.h"

#include "boot/kernel/current_task.h"
#include "boot/kernel/termio.h"

namespace runsc {
namespace {

template <typename T>
Result<std::int64_t> give(CurrentTask& task, std::uint64_t argument, const T& value) {
  TRY(task.write(UserOut<T>{{argument}}, value));
  return 0;
}

Result<std::int64_t> set_settings(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument) {
  const bool flush = command == TCSETSF || command == TCSETSF2;
  if (command == TCSETS2 || command == TCSETSW2 || command == TCSETSF2) {
    pty.set_settings(with_settings(TRY(task.read(UserIn<Termios>{{argument}}))), flush);
  } else {
    pty.set_settings(with_old_settings(pty.settings(), TRY(task.read(UserIn<OldTermios>{{argument}}))), flush);
  }
  return 0;
}

Result<std::int64_t> set_termio(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument) {
  Termios settings = pty.settings();
  apply_termio(settings, TRY(task.read(UserIn<::termio>{{argument}})));
  pty.set_settings(with_settings(settings), command == TCSETAF);
  return 0;
}

// The same on both sides. ENOTTY: not one of them.
Result<std::int64_t> common_ioctl(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument) {
  switch (command) {
    case TCGETS:
      return give(task, argument, old_settings(pty.settings()));
    case TCGETS2:
      return give(task, argument, pty.settings());
    case TCGETA:
      return give(task, argument, to_termio(pty.settings()));
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
      return set_termio(task, pty, command, argument);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return set_settings(task, pty, command, argument);
    case TIOCGWINSZ:
      return give(task, argument, pty.window_size());
    case TIOCSWINSZ:
      pty.set_window_size(TRY(task.read(UserIn<winsize>{{argument}})));
      return 0;
    case TIOCOUTQ:
      return give(task, argument, 0);  // what is written has been delivered
    // Output is delivered when it is written, and a line without wire has no break.
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
      return 0;
    case TIOCEXCL:
    case TIOCNXCL:
      pty.set_exclusive(command == TIOCEXCL);
      return 0;
    case TIOCGEXCL:
      return give(task, argument, static_cast<int>(pty.exclusive()));
    case TIOCGETD:
      return give(task, argument, int{N_TTY});
    case TIOCSETD:
      if (TRY(task.read(UserIn<int>{{argument}})) != N_TTY) return Errno(EINVAL);
      return 0;
    // Typing into somebody's terminal is how programs break out of their user's rights: refused, as by Linux without
    // dev.tty.legacy_tiocsti.
    case TIOCSTI:
      return Errno(EIO);
    case TIOCCONS:
      return Errno(EPERM);
    default:
      return Errno(ENOTTY);
  }
}

Result<std::int64_t> send_signal(Pty& pty, std::uint64_t signal) {
  if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP) return Errno(EINVAL);
  pty.signal_foreground(static_cast<int>(signal));
  return 0;
}

}  // namespace

Result<std::int64_t> slave_ioctl(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument) {
  switch (command) {
    case FIONREAD:
      return give(task, argument, static_cast<int>(pty.slave_readable()));
    case TCFLSH:
      TRY(pty.slave_flush(static_cast<int>(argument)));
      return 0;
    case TCXONC:
      TRY(pty.slave_flow(static_cast<int>(argument)));
      return 0;
    case TIOCGDEV:
      return give(task, argument, static_cast<unsigned>(pty.device()));
    case TIOCVHANGUP:
      if (!task.capable(CAP_SYS_ADMIN)) return Errno(EPERM);
      pty.hang_up();
      return 0;
    default:
      return common_ioctl(task, pty, command, argument);
  }
}

Result<std::int64_t> master_ioctl(CurrentTask& task, Pty& pty, std::uint32_t command, std::uint64_t argument) {
  switch (command) {
    case TIOCSPTLCK:
      pty.set_locked(TRY(task.read(UserIn<int>{{argument}})) != 0);
      return 0;
    case TIOCGPTLCK:
      return give(task, argument, static_cast<int>(pty.locked()));
    case TIOCGPTN:
      return give(task, argument, pty.index());
    case TIOCPKT:
      pty.set_packet_mode(TRY(task.read(UserIn<int>{{argument}})) != 0);
      return 0;
    case TIOCGPKT:
      return give(task, argument, static_cast<int>(pty.packet_mode()));
    case TIOCSIG:
      return send_signal(pty, argument);
    case FIONREAD:
      return give(task, argument, static_cast<int>(pty.master_readable()));
    case TCFLSH:
      TRY(pty.master_flush(static_cast<int>(argument)));
      return 0;
    default:
      return common_ioctl(task, pty, command, argument);
  }
}

}  // namespace runsc
