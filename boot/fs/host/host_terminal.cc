#include "boot/fs/host/host_terminal.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <csignal>

#include "boot/base/host_call.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/terminal_control.h"
#include "boot/kernel/termio.h"

namespace runsc {
namespace {

// The kernel's structures; glibc's differ.
using KernelTermios = ::termios;
using KernelTermios2 = ::termios2;
static_assert(sizeof(KernelTermios) == 36 && sizeof(KernelTermios2) == 44);

Result<std::int64_t> host_ioctl(int fd, std::uint32_t command, auto argument) {
  const int status = ::ioctl(fd, command, argument);
  if (status < 0) return last_errno();
  return status;
}

template <typename T>
Result<std::int64_t> get(CurrentTask& task, int fd, std::uint32_t command, std::uint64_t argument) {
  T value{};
  const auto status = TRY(host_ioctl(fd, command, &value));
  TRY(task.write(UserOut<T>{{argument}}, value));
  return status;
}

template <typename T>
Result<std::int64_t> set(CurrentTask& task, int fd, std::uint32_t command, std::uint64_t argument) {
  T value = TRY(task.read(UserIn<T>{{argument}}));
  return host_ioctl(fd, command, &value);
}

Result<std::int64_t> get_termio(CurrentTask& task, int fd, std::uint64_t argument) {
  KernelTermios settings{};
  TRY(host_ioctl(fd, TCGETS, &settings));
  TRY(task.write(UserOut<::termio>{{argument}}, to_termio(settings)));
  return 0;
}

Result<std::int64_t> set_termio(CurrentTask& task, int fd, std::uint32_t command, std::uint64_t argument) {
  KernelTermios settings{};
  TRY(host_ioctl(fd, TCGETS, &settings));
  apply_termio(settings, TRY(task.read(UserIn<::termio>{{argument}})));
  return host_ioctl(fd, command == TCSETA ? TCSETS : command == TCSETAW ? TCSETSW : TCSETSF, &settings);
}

// Job control of a host terminal, which can be opened again for as long as it controls a session, whatever became of
// the descriptors that the sandbox was given.
class ReopenableTerminal : public Terminal {
 public:
  ReopenableTerminal(HostPoller& poller, UniqueFd fd) : poller_(poller), fd_(std::move(fd)) {}

  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override {
    if (!fd_.valid()) return Errno(ENXIO);
    UniqueFd copy(TRY(HOST_CALL(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0))));
    return FilePtr(std::make_shared<HostTerminal>(poller_, std::move(copy), path, flags, shared_from_this()));
  }

 private:
  HostPoller& poller_;
  const UniqueFd fd_;
};

std::shared_ptr<Terminal> make_terminal(HostPoller& poller, int fd) {
  return std::make_shared<ReopenableTerminal>(poller, UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)));
}

}  // namespace

HostTerminal::HostTerminal(HostPoller& poller, UniqueFd fd, OpenFlags flags)
    : HostStream(poller, std::move(fd), {}, flags), terminal_(make_terminal(poller, fd_.get())) {}

HostTerminal::HostTerminal(HostPoller& poller, UniqueFd fd, VfsPath path, OpenFlags flags,
                           std::shared_ptr<Terminal> terminal)
    : HostStream(poller, std::move(fd), std::move(path), flags), terminal_(std::move(terminal)) {}

Result<std::size_t> HostTerminal::read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) {
  TRY(check_background_use(*terminal_, SIGTTIN));
  return HostStream::read(sink, offset, rwf);
}

Result<std::size_t> HostTerminal::write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) {
  KernelTermios settings{};
  if (::ioctl(fd_.get(), TCGETS, &settings) == 0 && (settings.c_lflag & TOSTOP) != 0)
    TRY(check_background_use(*terminal_, SIGTTOU));
  return HostStream::write(source, offset, rwf);
}

Result<std::int64_t> HostTerminal::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  const int fd = fd_.get();
  if (is_job_control(command))
    return job_control(task, *terminal_, TerminalSide::kOwn, flags().readable(), command, argument);
  if (changes_terminal(command)) TRY(check_background_use(*terminal_, SIGTTOU));
  switch (command) {
    case TCGETS:
      return get<KernelTermios>(task, fd, command, argument);
    case TCGETA:
      return get_termio(task, fd, argument);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
      return set_termio(task, fd, command, argument);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return set<KernelTermios>(task, fd, command, argument);
    case TCGETS2:
      return get<KernelTermios2>(task, fd, command, argument);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return set<KernelTermios2>(task, fd, command, argument);
    case TIOCGWINSZ:
      return get<winsize>(task, fd, command, argument);
    case TIOCSWINSZ:
      return set<winsize>(task, fd, command, argument);
    case TIOCOUTQ:
      return get<int>(task, fd, command, argument);
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH:
      return host_ioctl(fd, command, static_cast<int>(argument));
    default:
      return HostStream::ioctl(task, command, argument);
  }
}

}  // namespace runsc
