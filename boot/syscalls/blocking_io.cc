#include "boot/syscalls/blocking_io.h"

#include <sys/uio.h>

#include <climits>

#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/vfs/inode_watches.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

constexpr EventMask kReadable = POLLIN | POLLRDNORM | POLLRDHUP;
constexpr EventMask kWritable = POLLOUT | POLLWRNORM;

bool may_wait(const FileDescription& file, int rwf) { return !file.flags().nonblocking() && (rwf & RWF_NOWAIT) == 0; }

// Of another source, the first bytes only.
class LimitedSource : public IoSource {
 public:
  LimitedSource(IoSource& source, std::size_t limit) : source_(source), left_(std::min(limit, source.remaining())) {}
  std::size_t remaining() const override { return left_; }
  Result<std::size_t> take(std::span<std::byte> bytes) override {
    const std::size_t count = TRY(source_.take(bytes.first(std::min(bytes.size(), left_))));
    left_ -= count;
    return count;
  }
  Result<std::size_t> peek(std::span<std::byte> bytes) override {
    return source_.peek(bytes.first(std::min(bytes.size(), left_)));
  }
  void skip(std::size_t count) override {
    source_.skip(count);
    left_ -= std::min(count, left_);
  }

 private:
  IoSource& source_;
  std::size_t left_;
};

// Pipes, sockets and terminals take everything before write(2) returns; others take what they take.
bool takes_everything(FileDescription& file) {
  const auto attributes = file.attributes();
  if (!attributes.ok()) return false;
  const std::uint32_t type = attributes->type();
  return type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR;
}

// As retry_until_ready(), for files whose reads also end by time. The time may change with every byte that comes.
template <typename Attempt>
Result<std::size_t> read_until_ready(CurrentTask& task, FileDescription& file, IoSink& sink, Attempt attempt) {
  Result<std::size_t> result = attempt();
  const auto again = [&] { return !result.ok() && result.error() == Errno(EAGAIN); };
  if (!again() || file.wait_queue() == nullptr) return result;
  const std::int64_t started = now_ns(CLOCK_MONOTONIC);
  while (again()) {
    const OptionalDeadline deadline = file.read_deadline(started);
    const auto same = [&] {
      const OptionalDeadline now = file.read_deadline(started);
      return now.has_value() == deadline.has_value() && (!now || now->at_ns == deadline->at_ns);
    };
    const Result<void> woken = task.wait(*file.wait_queue(), kReadable, deadline, [&] {
      result = attempt();
      return !again() || !same();
    });
    if (woken.ok()) continue;
    if (woken.error() == Errno(ETIMEDOUT)) return file.read_at_deadline(sink);
    return woken.error();
  }
  return result;
}

Result<std::size_t> attempt_write(CurrentTask& task, FileDescription& file, IoSource& source,
                                  std::optional<std::uint64_t> offset, int rwf) {
  const auto attempt = [&] { return file.write(source, offset, rwf); };
  return may_wait(file, rwf) ? retry_until_ready(task, file, kWritable, attempt) : attempt();
}

Result<std::size_t> write_all(CurrentTask& task, FileDescription& file, IoSource& source,
                              std::optional<std::uint64_t> offset, int rwf) {
  auto result = attempt_write(task, file, source, offset, rwf);
  if (!result.ok() || source.remaining() == 0 || file.wait_queue() == nullptr || !may_wait(file, rwf)) return result;
  if (!takes_everything(file)) return result;
  std::size_t done = *result;
  while (source.remaining() != 0) {
    result = attempt_write(task, file, source, std::nullopt, rwf);
    if (!result.ok() || *result == 0) break;
    done += *result;
  }
  return done;
}

Result<std::uint64_t> write_position(FileDescription& file, std::optional<std::uint64_t> offset, int rwf) {
  if (file.flags().append() || (rwf & RWF_APPEND) != 0) return TRY(file.attributes()).size;
  if (offset) return *offset;
  return static_cast<std::uint64_t>(TRY(file.seek(0, SEEK_CUR)));
}

Result<std::size_t> write_within_limit(CurrentTask& task, FileDescription& file, IoSource& source,
                                       std::optional<std::uint64_t> offset, int rwf) {
  const std::uint64_t limit = task.group().limits().soft(RLIMIT_FSIZE);
  const InodePtr inode = limit != RLIM_INFINITY ? file.inode() : nullptr;
  if (!inode || !S_ISREG(inode->type()) || source.remaining() == 0) return write_all(task, file, source, offset, rwf);
  const std::uint64_t position = TRY(write_position(file, offset, rwf));
  TRY(check_file_size_limit(task, position + 1));
  LimitedSource limited(source, limit - position);
  return write_all(task, file, limited, offset, rwf);
}

}  // namespace

Result<void> check_file_size_limit(CurrentTask& task, std::uint64_t size) {
  if (size <= task.group().limits().soft(RLIMIT_FSIZE)) return {};
  raise_signal(task, SIGXFSZ);
  return Errno(EFBIG);
}

Result<std::size_t> read_file(CurrentTask& task, FileDescription& file, IoSink& sink,
                              std::optional<std::uint64_t> offset, int rwf) {
  const auto attempt = [&] { return file.read(sink, offset, rwf); };
  const std::size_t count = TRY(may_wait(file, rwf) ? read_until_ready(task, file, sink, attempt) : attempt());
  if (count != 0) notify_file(file, IN_ACCESS);
  return count;
}

Result<std::size_t> write_file(CurrentTask& task, FileDescription& file, IoSource& source,
                               std::optional<std::uint64_t> offset, int rwf) {
  if (!task.capable(CAP_FSETID) && source.remaining() != 0)
    if (const InodePtr inode = file.inode()) TRY(drop_set_id(*task.credentials(), *inode));
  auto result = write_within_limit(task, file, source, offset, rwf);
  if (!result.ok() && result.error() == Errno(EPIPE)) raise_signal(task, SIGPIPE);
  if (result.ok() && *result != 0) notify_file(file, IN_MODIFY);
  return result;
}

Result<FilePtr> readable_file(CurrentTask& task, Fd fd) {
  FilePtr file = TRY(task.io_file(fd));
  if (!file->flags().readable()) return Errno(EBADF);
  return file;
}

Result<FilePtr> writable_file(CurrentTask& task, Fd fd) {
  FilePtr file = TRY(task.io_file(fd));
  if (!file->flags().writable()) return Errno(EBADF);
  return file;
}

Result<std::vector<AddressSpace::Range>> read_iovec(CurrentTask& task, UserIn<struct iovec> from, std::uint64_t count) {
  if (count > IOV_MAX) return Errno(EINVAL);
  const auto vectors = TRY(task.read_array(from, count));
  std::vector<AddressSpace::Range> ranges;
  ranges.reserve(vectors.size());
  std::size_t left = kMaxTransfer;
  for (const struct iovec& each : vectors) {
    if (each.iov_len > static_cast<std::size_t>(SSIZE_MAX)) return Errno(EINVAL);
    const std::uint64_t address = reinterpret_cast<std::uint64_t>(each.iov_base);
    if (!checked_add<std::uint64_t>(address, each.iov_len)) return Errno(EFAULT);
    ranges.push_back({address, std::min(each.iov_len, left)});
    left -= ranges.back().length;
  }
  return ranges;
}

}  // namespace runsc
