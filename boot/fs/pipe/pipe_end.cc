#include <sys/ioctl.h>
#include <sys/stat.h>

#include "boot/fs/pipe/pipe.h"
#include "boot/kernel/current_task.h"

namespace runsc {

PipeEnd::PipeEnd(PipePtr pipe, VfsPath path, OpenFlags flags, const AnonymousIdentity& identity,
                 std::uint64_t hang_up_known)
    : FileDescription(std::move(path), flags),
      pipe_(std::move(pipe)),
      attributes_(anonymous_attributes(identity, AnonymousDevice::kPipe, S_IFIFO | 0600)),
      hang_up_known_(hang_up_known) {}

PipeEnd::~PipeEnd() { pipe_->remove(flags().readable(), flags().writable()); }

std::string PipeEnd::anonymous_name() const { return "pipe:[" + std::to_string(attributes_.inode) + "]"; }

Result<FileAttributes> PipeEnd::attributes() {
  if (path()) return FileDescription::attributes();
  return attributes_;
}

Result<FilePtr> PipeEnd::reopen(OpenFlags flags) {
  const OpenFlags status{flags.bits & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_DIRECT | O_ASYNC | O_NOATIME)};
  pipe_->add(status.readable(), status.writable());
  const AnonymousIdentity identity{attributes_.inode, attributes_.uid, attributes_.gid};
  return FilePtr(std::make_shared<PipeEnd>(pipe_, path(), status, identity));
}

Result<std::size_t> PipeEnd::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (!flags().readable()) return Errno(EBADF);
  return pipe_->read(sink);
}

Result<std::size_t> PipeEnd::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (!flags().writable()) return Errno(EBADF);
  return pipe_->write(source, flags().has(O_DIRECT));
}

Result<std::int64_t> PipeEnd::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (command != FIONREAD) return Errno(ENOTTY);
  TRY(task.write(UserOut<int>{{argument}}, static_cast<int>(pipe_->available())));
  return 0;
}

EventMask PipeEnd::readiness(EventMask) {
  return pipe_->readiness(flags().readable(), flags().writable(), hang_up_known_);
}

std::pair<FilePtr, FilePtr> make_pipe(int flags, const AnonymousIdentity& identity) {
  auto pipe = std::make_shared<Pipe>();
  pipe->add(true, true);
  const int status = flags & (O_NONBLOCK | O_DIRECT);
  return {std::make_shared<PipeEnd>(pipe, VfsPath{}, OpenFlags{O_RDONLY | status}, identity),
          std::make_shared<PipeEnd>(pipe, VfsPath{}, OpenFlags{O_WRONLY | status}, identity)};
}

}  // namespace runsc
