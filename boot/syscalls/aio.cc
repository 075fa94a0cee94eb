// Asynchronous I/O of the kernel (io_setup(2)), as a file system may serve it that never waits: a request is carried
// out when it is submitted, and its result waits to be collected. Only IOCB_CMD_POLL stays open.
#include <linux/aio_abi.h>
#include <poll.h>

#include <algorithm>
#include <map>

#include "boot/fs/anon/event_fd.h"
#include "boot/kernel/deadline.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/aio_context.h"
#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"

namespace runsc {
namespace {

constexpr std::uint64_t kMostEvents = 0x10000;  // fs.aio-max-nr
constexpr int kKnownFlags = IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO;

// struct __aio_sigset.
struct MaskArgument {
  std::uint64_t address;
  std::uint64_t size;
};

// The contexts of one address space, by the address of the ring that stands for each of them.
struct AioContexts {
  Guarded<std::map<std::uint64_t, AioContextPtr>, LockLevel::kLeaf> by_id;
};

std::shared_ptr<AioContexts> contexts_of(CurrentTask& task) {
  if (auto existing = task.memory().attachment()) return std::static_pointer_cast<AioContexts>(std::move(existing));
  return std::static_pointer_cast<AioContexts>(task.memory().attach_once(std::make_shared<AioContexts>()));
}

Result<AioContextPtr> find_context(CurrentTask& task, std::uint64_t id) {
  const auto contexts = contexts_of(task);
  auto by_id = contexts->by_id.lock();
  const auto it = by_id->find(id);
  if (it == by_id->end()) return Errno(EINVAL);
  return it->second;
}

Result<FilePtr> event_fd_of(CurrentTask& task, const iocb& request) {
  if ((request.aio_flags & IOCB_FLAG_RESFD) == 0) return FilePtr();
  FilePtr file = TRY(task.file(Fd{static_cast<int>(request.aio_resfd)}));
  if (std::dynamic_pointer_cast<EventFd>(file) == nullptr) return Errno(EINVAL);
  return file;
}

Result<std::vector<AddressSpace::Range>> ranges_of(CurrentTask& task, const iocb& request, bool vectored) {
  if (vectored) return read_iovec(task, UserIn<struct iovec>{{request.aio_buf}}, request.aio_nbytes);
  if (!checked_add<std::uint64_t>(request.aio_buf, request.aio_nbytes)) return Errno(EFAULT);
  return std::vector<AddressSpace::Range>{{request.aio_buf, std::min<std::uint64_t>(request.aio_nbytes, kMaxTransfer)}};
}

Result<long> transfer(CurrentTask& task, const iocb& request, bool writes, bool vectored) {
  const FilePtr file = TRY(writes ? writable_file(task, Fd{static_cast<int>(request.aio_fildes)})
                                  : readable_file(task, Fd{static_cast<int>(request.aio_fildes)}));
  if (request.aio_offset < 0) return Errno(EINVAL);
  auto ranges = TRY(ranges_of(task, request, vectored));
  // Pipes and the like have no offsets; Linux does not look at it there.
  std::optional<std::uint64_t> offset = static_cast<std::uint64_t>(request.aio_offset);
  if (!S_ISREG(file->inode() != nullptr ? file->inode()->type() : 0)) offset = std::nullopt;
  const int rwf = static_cast<int>(request.aio_rw_flags);
  if (writes) {
    UserSource source(task.user_memory(), std::move(ranges));
    return static_cast<long>(TRY(write_file(task, *file, source, offset, rwf)));
  }
  UserSink sink(task.user_memory(), std::move(ranges));
  return static_cast<long>(TRY(read_file(task, *file, sink, offset, rwf)));
}

Result<long> sync(CurrentTask& task, const iocb& request, bool data_only) {
  if (request.aio_buf != 0 || request.aio_offset != 0 || request.aio_nbytes != 0) return Errno(EINVAL);
  const FilePtr file = TRY(task.io_file(Fd{static_cast<int>(request.aio_fildes)}));
  TRY(file->sync(data_only));
  return 0;
}

// Errors of these are errors of io_submit(2) itself; those of the transfer are results.
bool refused_at_submission(Errno error) { return error == Errno(EBADF) || error == Errno(EINVAL); }

Result<void> submit_poll(CurrentTask& task, AioContext& context, std::uint64_t address, const iocb& request,
                         const FilePtr& event_fd) {
  if (request.aio_offset != 0 || request.aio_nbytes != 0 || request.aio_rw_flags != 0) return Errno(EINVAL);
  if (request.aio_buf > 0xffff) return Errno(EINVAL);
  FilePtr file = TRY(task.io_file(Fd{static_cast<int>(request.aio_fildes)}));
  context.add_poll(
      {address, request.aio_data, std::move(file), static_cast<EventMask>(request.aio_buf), std::move(event_fd)});
  return {};
}

Result<long> carry_out(CurrentTask& task, const iocb& request) {
  switch (request.aio_lio_opcode) {
    case IOCB_CMD_PREAD:
      return transfer(task, request, false, false);
    case IOCB_CMD_PWRITE:
      return transfer(task, request, true, false);
    case IOCB_CMD_PREADV:
      return transfer(task, request, false, true);
    case IOCB_CMD_PWRITEV:
      return transfer(task, request, true, true);
    case IOCB_CMD_FSYNC:
      return sync(task, request, false);
    case IOCB_CMD_FDSYNC:
      return sync(task, request, true);
    default:
      return Errno(EINVAL);
  }
}

Result<void> submit_one(CurrentTask& task, AioContext& context, std::uint64_t address) {
  const iocb request = TRY(task.read(UserIn<iocb>{{address}}));
  if (request.aio_reserved2 != 0 || (request.aio_flags & ~kKnownFlags) != 0) return Errno(EINVAL);
  if (static_cast<std::int64_t>(request.aio_nbytes) < 0) return Errno(EINVAL);
  FilePtr event_fd = TRY(event_fd_of(task, request));
  if (request.aio_lio_opcode == IOCB_CMD_POLL) return submit_poll(task, context, address, request, std::move(event_fd));
  const Result<long> result = carry_out(task, request);
  if (!result.ok() && refused_at_submission(result.error())) return result.error();
  long value = result.ok() ? *result : -static_cast<long>(result.error().value());
  if (!result.ok() && result.error().value() > 511) value = -EINTR;  // a signal ended the wait
  context.complete(io_event{.data = request.aio_data, .obj = address, .res = value, .res2 = 0});
  signal_event_fd(event_fd);
  return {};
}

// Waits until `least` results are there.
Result<void> await(CurrentTask& task, AioContext& context, std::size_t least, const OptionalDeadline& deadline) {
  const ScopedWait wait(context.queue(), task.task().sleeper(), kAllEvents);
  return task.sleep_until(deadline, [&] { return context.destroyed() || context.done_count() >= least; });
}

Result<long> get_events(CurrentTask& task, std::uint64_t id, std::int64_t least, std::int64_t most,
                        UserOut<io_event> out, const std::optional<timespec>& timeout) {
  const AioContextPtr context = TRY(find_context(task, id));
  if (least < 0 || most < 0 || least > most) return Errno(EINVAL);
  const bool poll_only = timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
  if (context->done_count() < static_cast<std::size_t>(least) && !poll_only) {
    const OptionalDeadline deadline = timeout ? OptionalDeadline(Deadline::after(to_ns(*timeout))) : std::nullopt;
    const auto waited = await(task, *context, static_cast<std::size_t>(least), deadline);
    const bool interrupted = !waited.ok() && waited.error() != Errno(ETIMEDOUT);
    if (interrupted && context->done_count() == 0) return Errno(EINTR);
  }
  const std::vector<io_event> events = context->take(static_cast<std::size_t>(most));
  TRY(task.write_array(out, std::span<const io_event>(events)));
  return static_cast<long>(events.size());
}

}  // namespace

Result<long> sys_io_setup(CurrentTask& task, unsigned count, UserInOut<std::uint64_t> id) {
  if (TRY(task.read(UserIn<std::uint64_t>{{id.value}})) != 0 || count == 0) return Errno(EINVAL);
  if (count > kMostEvents) return Errno(EAGAIN);
  const auto contexts = contexts_of(task);
  if (contexts->by_id.lock()->size() >= kMostEvents / 16) return Errno(EAGAIN);
  // What a library finds where it may look for a ring of results: none, so that it asks the kernel.
  MmapRequest ring;
  ring.length = kPageSize;
  ring.protection = PROT_READ | PROT_WRITE;
  ring.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  ring.name = "/[aio] (deleted)";
  const std::uint64_t address = TRY(task.memory().mmap(ring, {}));
  contexts->by_id.lock()->insert_or_assign(address, AioContext::create(task.kernel().timers(), count));
  const auto written = task.write(UserOut<std::uint64_t>{{id.value}}, address);
  if (written.ok()) return 0;
  contexts->by_id.lock()->erase(address);
  (void)task.memory().munmap(address, kPageSize);
  return written.error();
}

Result<long> sys_io_destroy(CurrentTask& task, std::uint64_t id) {
  const AioContextPtr context = TRY(find_context(task, id));
  if (contexts_of(task)->by_id.lock()->erase(id) == 0) return Errno(EINVAL);
  context->destroy();
  (void)task.memory().munmap(id, kPageSize);
  return 0;
}

Result<long> sys_io_submit(CurrentTask& task, std::uint64_t id, std::int64_t count, UserIn<std::uint64_t> requests) {
  const AioContextPtr context = TRY(find_context(task, id));
  if (count < 0) return Errno(EINVAL);
  long submitted = 0;
  Errno error(EAGAIN);
  for (; submitted < count; ++submitted) {
    const auto address = task.read(UserIn<std::uint64_t>{{requests.value + static_cast<std::uint64_t>(submitted) * 8}});
    if (!address.ok()) {
      error = address.error();
      break;
    }
    if (!context->reserve()) break;
    const auto done = submit_one(task, *context, *address);
    if (done.ok()) continue;
    context->unreserve();
    error = done.error();
    break;
  }
  if (submitted == 0 && count != 0) return error;
  return submitted;
}

Result<long> sys_io_cancel(CurrentTask& task, std::uint64_t id, UserIn<std::byte> request, UserOut<std::byte>) {
  TRY(task.read(UserIn<iocb>{{request.value}}));
  const AioContextPtr context = TRY(find_context(task, id));
  // As Linux answers for a poll that it has cancelled: the result comes with the others.
  if (context->cancel(request.value)) return Errno(EINPROGRESS);
  return Errno(EINVAL);
}

Result<long> sys_io_getevents(CurrentTask& task, std::uint64_t id, std::int64_t least, std::int64_t most,
                              UserOut<std::byte> events, UserIn<struct timespec> timeout) {
  std::optional<timespec> time;
  if (timeout) time = TRY(task.read(timeout));
  return get_events(task, id, least, most, UserOut<io_event>{{events.value}}, time);
}

Result<long> sys_io_pgetevents(CurrentTask& task, std::uint64_t id, std::int64_t least, std::int64_t most,
                               UserOut<std::byte> events, UserIn<struct timespec> timeout, UserIn<std::byte> mask) {
  std::optional<timespec> time;
  if (timeout) time = TRY(task.read(timeout));
  if (mask) {
    const MaskArgument given = TRY(task.read(UserIn<MaskArgument>{{mask.value}}));
    TRY(apply_signal_mask(task, UserIn<SignalSet>{{given.address}}, given.size));
  }
  const auto result = get_events(task, id, least, most, UserOut<io_event>{{events.value}}, time);
  // The mask stays until the handler has been called.
  if (!result.ok() && result.error() == Errno(EINTR)) return kRestartNoHandler;
  return result;
}

}  // namespace runsc
