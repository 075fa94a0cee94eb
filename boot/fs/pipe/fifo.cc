#include "boot/fs/pipe/fifo.h"

#include "boot/fs/pipe/pipe.h"
#include "boot/kernel/current_task.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

// All opens of one FIFO meet in the pipe that its inode holds.
PipePtr pipe_of(Inode& inode) {
  if (auto pipe = std::static_pointer_cast<Pipe>(inode.attachment())) return pipe;
  return std::static_pointer_cast<Pipe>(inode.attach_once(std::make_shared<Pipe>()));
}

}  // namespace

Result<FilePtr> open_fifo(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  const PipePtr pipe = pipe_of(*path.dentry->inode());
  const bool reader = flags.readable();
  const bool writer = flags.writable();
  if (writer && !reader && flags.nonblocking() && pipe->ends().readers == 0) return Errno(ENXIO);
  const Pipe::Ends ends = pipe->add(reader, writer);
  // A reader that did not wait for the first writer sees no hang-up before one has come and gone.
  const std::uint64_t hang_up_known = ends.writers == 0 ? ends.opens.writers : 0;
  const bool wait_for_writer = reader && ends.writers == 0;
  const bool wait_for_reader = writer && ends.readers == 0;
  const OpenFlags status{flags.bits & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_DIRECT | O_ASYNC | O_NOATIME)};
  // Owns the counted end from here on: an interrupted open gives it back.
  auto file =
      std::make_shared<PipeEnd>(pipe, path, status, AnonymousIdentity{}, flags.nonblocking() ? hang_up_known : 0);
  if (flags.nonblocking() || (!wait_for_writer && !wait_for_reader)) return FilePtr(std::move(file));
  TRY(task.wait(pipe->queue(), kAllEvents, std::nullopt, [&] {
    const Pipe::Opens now = pipe->ends().opens;
    return wait_for_writer ? now.writers != ends.opens.writers : now.readers != ends.opens.readers;
  }));
  return FilePtr(std::move(file));
}

}  // namespace runsc
