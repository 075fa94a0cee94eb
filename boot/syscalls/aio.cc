// Asynchronous I/O of the kernel (io_setup(2)), as a file system may serve it that never waits: a request is carried
// out when it is submitted, and its result waits to be collected. Only IOCB_CMD_POLL stays open.
#include <linux/aio_abi.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>

#include "boot/fs/anon/event_fd.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr std::uint64_t kMostEvents = 0x10000;  // fs.aio-max-nr
constexpr int kKnownFlags = IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO;

// A poll that has not come true yet.
struct OpenPoll {
  std::uint64_t request;  // address of the iocb
  std::uint64_t data;
  FilePtr file;
  EventMask events;
  FilePtr event_fd;
};

// One context. Thread-safe.
class AioContext {
 public:
  explicit AioContext(std::uint64_t capacity) : capacity_(capacity) {}

  // Reserves room for one result. False: EAGAIN.
  bool reserve() {
    auto state = state_.lock();
    if (state->in_use >= capacity_) return false;
    ++state->in_use;
    return true;
  }
  void unreserve() { --state_.lock()->in_use; }
  void complete(const io_event& event) {
    state_.lock()->done.push_back(event);
    queue_.notify(POLLIN);
  }
  void add_poll(OpenPoll poll) {
    state_.lock()->polls.push_back(std::move(poll));
    queue_.notify(POLLIN);
  }
  std::vector<io_event> take(std::size_t most) {
    finish_polls();
    auto state = state_.lock();
    const std::size_t count = std::min(most, state->done.size());
    std::vector<io_event> events(state->done.begin(), state->done.begin() + static_cast<std::ptrdiff_t>(count));
    state->done.erase(state->done.begin(), state->done.begin() + static_cast<std::ptrdiff_t>(count));
    state->in_use -= count;
    return events;
  }
  std::size_t done_count() {
    finish_polls();
    return state_.lock()->done.size();
  }
  // The files of open polls, to wait for.
  std::vector<FilePtr> waited_for() const {
    std::vector<FilePtr> files;
    auto state = state_.lock();
    for (const OpenPoll& poll : state->polls) files.push_back(poll.file);
    return files;
  }
  // io_cancel(2) of a poll.
  bool cancel(std::uint64_t request) {
    std::vector<OpenPoll> removed;  // their files are let go without the lock
    auto state = state_.lock();
    const auto it = std::ranges::find(state->polls, request, &OpenPoll::request);
    if (it == state->polls.end()) return false;
    removed.push_back(std::move(*it));
    state->polls.erase(it);
    state->done.push_back(io_event{.data = removed[0].data, .obj = request, .res = 0, .res2 = 0});
    return true;
  }
  bool destroyed() const { return destroyed_.load(); }
  void destroy() {
    destroyed_.store(true);
    queue_.notify(POLLIN);
  }
  WaitQueue& queue() { return queue_; }

 private:
  struct State {
    std::size_t in_use = 0;
    std::deque<io_event> done;
    std::list<OpenPoll> polls;
  };
  void finish_polls();

  const std::uint64_t capacity_;
  std::atomic<bool> destroyed_{false};
  Guarded<State, LockLevel::kLeaf> state_;
  WaitQueue queue_;
};
using AioContextPtr = std::shared_ptr<AioContext>;

void signal_event_fd(const FilePtr& event_fd) {
  if (event_fd == nullptr) return;
  const std::uint64_t one = 1;
  BufferSource source(std::as_bytes(std::span(&one, 1)));
  (void)event_fd->write(source, std::nullopt, 0);  // full: whoever reads it has been told often enough
}

void AioContext::finish_polls() {
  std::list<OpenPoll> polls;
  {
    auto state = state_.lock();
    polls.swap(state->polls);
  }
  std::list<OpenPoll> finished;
  std::vector<io_event> events;
  for (auto it = polls.begin(); it != polls.end();) {
    const EventMask ready = it->file->readiness(it->events | kAlwaysReported) & (it->events | kAlwaysReported);
    const auto next = std::next(it);
    if (ready != 0) {
      events.push_back(io_event{.data = it->data, .obj = it->request, .res = ready, .res2 = 0});
      finished.splice(finished.end(), polls, it);
    }
    it = next;
  }
  {
    auto state = state_.lock();
    state->polls.splice(state->polls.end(), polls);
    state->done.insert(state->done.end(), events.begin(), events.end());
  }
  for (const OpenPoll& poll : finished) signal_event_fd(poll.event_fd);
}

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
                         FilePtr event_fd) {
  if (request.aio_offset != 0 || request.aio_nbytes != 0 || request.aio_rw_flags != 0) return Errno(EINVAL);
  if (request.aio_buf > 0xffff) return Errno(EINVAL);
  FilePtr file = TRY(task.file(Fd{static_cast<int>(request.aio_fildes)}));
  // Nobody waits for the file in the name of an eventfd.
  if (event_fd != nullptr) return Errno(EINVAL);
  context.add_poll({address, request.aio_data, std::move(file), static_cast<EventMask>(request.aio_buf), nullptr});
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
  for (;;) {
    const std::vector<FilePtr> files = context.waited_for();
    std::list<ScopedWait> waits;
    waits.emplace_back(context.queue(), task.task().sleeper(), kAllEvents);
    for (const FilePtr& file : files)
      if (file->wait_queue() != nullptr) waits.emplace_back(*file->wait_queue(), task.task().sleeper(), kAllEvents);
    bool more_files = false;
    TRY(task.sleep_until(deadline, [&] {
      more_files = context.waited_for().size() > files.size();
      return more_files || context.destroyed() || context.done_count() >= least;
    }));
    if (!more_files) return {};
  }
}

Result<long> get_events(CurrentTask& task, std::uint64_t id, std::int64_t least, std::int64_t most,
                        UserOut<io_event> out, const std::optional<timespec>& timeout) {
  const AioContextPtr context = TRY(find_context(task, id));
  if (least < 0 || most < 0 || least > most) return Errno(EINVAL);
  if (timeout && !valid_timespec(*timeout)) return Errno(EINVAL);
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
  contexts->by_id.lock()->insert_or_assign(address, std::make_shared<AioContext>(count));
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

}  // namespace runsc
