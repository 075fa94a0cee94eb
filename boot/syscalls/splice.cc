// Copies from and to pipes: splice(2), tee(2), vmsplice(2).
#include <fcntl.h>

#include "boot/fs/pipe/pipe.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr unsigned kKnownFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
constexpr std::size_t kPiece = 64 * 1024;

PipeEnd* as_pipe(FileDescription& file) { return dynamic_cast<PipeEnd*>(&file); }

// Does `attempt` until it is not EAGAIN; `queue_file` tells when to try again.
template <typename Attempt>
Result<std::size_t> attempt_on(CurrentTask& task, FileDescription& queue_file, EventMask events, bool nonblocking,
                               Attempt attempt) {
  return nonblocking ? attempt() : retry_until_ready(task, queue_file, events, attempt);
}

Result<std::size_t> pipe_to_pipe(CurrentTask& task, PipeEnd& from, PipeEnd& to, std::size_t count, bool nonblocking,
                                 bool consume) {
  nonblocking = nonblocking || from.flags().nonblocking() || to.flags().nonblocking();
  // Which of the two is not ready says whose change to wait for; after a wait both are looked at again.
  for (;;) {
    const auto moved = Pipe::transfer(from.pipe(), to.pipe(), count, consume);
    if (moved.ok() || moved.error() != Errno(EAGAIN) || nonblocking) {
      if (!moved.ok() && moved.error() == Errno(EPIPE)) raise_signal(task, SIGPIPE);
      return moved;
    }
    const bool empty = from.pipe().available() == 0;
    PipeEnd& awaited = empty ? from : to;
    const EventMask events = empty ? POLLIN : POLLOUT;
    TRY(task.wait(*awaited.wait_queue(), events, std::nullopt,
                  [&] { return awaited.readiness(events | POLLHUP | POLLERR) != 0; }));
  }
}

struct FileOffset {
  UserInOut<std::int64_t> pointer;
  std::optional<std::uint64_t> at;
};

Result<FileOffset> read_offset(CurrentTask& task, FileDescription& file, UserInOut<std::int64_t> pointer) {
  if (!pointer) return FileOffset{pointer, std::nullopt};
  if (file.wait_queue() != nullptr) return Errno(ESPIPE);
  const std::int64_t at = TRY(task.read(pointer.in()));
  if (at < 0) return Errno(EINVAL);
  return FileOffset{pointer, at};
}

Result<void> write_offset(CurrentTask& task, const FileOffset& offset, std::size_t moved) {
  if (!offset.pointer) return {};
  return task.write(offset.pointer.out(), static_cast<std::int64_t>(*offset.at + moved));
}

// One piece; what the file does not take goes back into the pipe.
Result<std::size_t> pipe_to_file(CurrentTask& task, PipeEnd& from, FileDescription& to, std::optional<std::uint64_t> at,
                                 std::size_t count, bool nonblocking) {
  std::vector<std::byte> bytes(std::min(count, kPiece));
  const std::size_t got = TRY(attempt_on(task, from, POLLIN, nonblocking || from.flags().nonblocking(), [&] {
    BufferSink sink(bytes);
    return from.pipe().read(sink);
  }));
  if (got == 0) return got;
  BufferSource source{std::span(std::as_const(bytes)).first(got)};
  const auto put = write_file(task, to, source, at, 0);
  const std::size_t taken = put.ok() ? *put : 0;
  if (taken < got) from.pipe().unread(std::span(std::as_const(bytes)).subspan(taken, got - taken));
  return put;
}

// One piece, no larger than what the pipe has room for: what was read from a stream must find a place.
Result<std::size_t> file_to_pipe(CurrentTask& task, FileDescription& from, std::optional<std::uint64_t> at, PipeEnd& to,
                                 std::size_t count, bool nonblocking) {
  nonblocking = nonblocking || to.flags().nonblocking();
  while (to.readiness(POLLOUT | POLLERR) == 0) {
    if (nonblocking) return Errno(EAGAIN);
    TRY(task.wait(*to.wait_queue(), POLLOUT, std::nullopt, [&] { return to.readiness(POLLOUT | POLLERR) != 0; }));
  }
  const std::size_t used = to.pipe().available();
  const std::size_t room = std::max<std::size_t>(to.pipe().capacity(), used + 1) - used;
  std::vector<std::byte> bytes(std::min({count, kPiece, room}));
  BufferSink sink(bytes);
  const std::size_t got = TRY(read_file(task, from, sink, at, 0));
  if (got == 0) return got;
  BufferSource source{std::span(std::as_const(bytes)).first(got)};
  return write_file(task, to, source, std::nullopt, 0);
}

}  // namespace

Result<long> sys_splice(CurrentTask& task, Fd in, UserInOut<std::int64_t> in_offset, Fd out,
                        UserInOut<std::int64_t> out_offset, std::size_t count, unsigned flags) {
  if (count == 0) return 0;
  if ((flags & ~kKnownFlags) != 0) return Errno(EINVAL);
  const FilePtr from = TRY(readable_file(task, in));
  const FilePtr to = TRY(writable_file(task, out));
  PipeEnd* const from_pipe = as_pipe(*from);
  PipeEnd* const to_pipe = as_pipe(*to);
  if ((from_pipe != nullptr && in_offset) || (to_pipe != nullptr && out_offset)) return Errno(ESPIPE);
  if (from_pipe == nullptr && to_pipe == nullptr) return Errno(EINVAL);
  if (to->flags().append() && to_pipe == nullptr) return Errno(EINVAL);
  const bool nonblocking = (flags & SPLICE_F_NONBLOCK) != 0;
  count = std::min(count, kMaxTransfer);
  if (from_pipe != nullptr && to_pipe != nullptr)
    return static_cast<long>(TRY(pipe_to_pipe(task, *from_pipe, *to_pipe, count, nonblocking, true)));
  FileDescription& file = from_pipe != nullptr ? *to : *from;
  const FileOffset offset = TRY(read_offset(task, file, from_pipe != nullptr ? out_offset : in_offset));
  const std::size_t moved = from_pipe != nullptr
                                ? TRY(pipe_to_file(task, *from_pipe, file, offset.at, count, nonblocking))
                                : TRY(file_to_pipe(task, file, offset.at, *to_pipe, count, nonblocking));
  TRY(write_offset(task, offset, moved));
  return static_cast<long>(moved);
}

Result<long> sys_tee(CurrentTask& task, Fd in, Fd out, std::size_t count, unsigned flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno(EINVAL);
  if (count == 0) return 0;
  const FilePtr from = TRY(readable_file(task, in));
  const FilePtr to = TRY(writable_file(task, out));
  if (as_pipe(*from) == nullptr || as_pipe(*to) == nullptr) return Errno(EINVAL);
  const bool nonblocking = (flags & SPLICE_F_NONBLOCK) != 0;
  return static_cast<long>(
      TRY(pipe_to_pipe(task, *as_pipe(*from), *as_pipe(*to), std::min(count, kMaxTransfer), nonblocking, false)));
}

Result<long> sys_vmsplice(CurrentTask& task, Fd fd, UserIn<struct iovec> vectors, std::uint64_t count, unsigned flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno(EINVAL);
  const FilePtr file = TRY(task.io_file(fd));
  if (as_pipe(*file) == nullptr) return Errno(EBADF);
  const int rwf = (flags & SPLICE_F_NONBLOCK) != 0 ? 0x8 : 0;  // RWF_NOWAIT
  auto ranges = TRY(read_iovec(task, vectors, count));
  if (file->flags().writable()) {
    UserSource source(task.user_memory(), std::move(ranges));
    return static_cast<long>(TRY(write_file(task, *file, source, std::nullopt, rwf)));
  }
  UserSink sink(task.user_memory(), std::move(ranges));
  return static_cast<long>(TRY(read_file(task, *file, sink, std::nullopt, rwf)));
}

}  // namespace runsc
