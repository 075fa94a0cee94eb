#include "boot/fs/host/host_file.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <climits>

#include "boot/base/host_call.h"
#include "boot/fs/host/host_terminal.h"
#include "boot/kernel/current_task.h"

namespace runsc {
namespace {

// What one call moves at most through the kernel's own memory.
constexpr std::size_t kBufferSize = 64 * 1024;

// A buffer for `wanted` bytes, or for kBufferSize if that is less. Not initialised.
class Buffer {
 public:
  explicit Buffer(std::size_t wanted)
      : size_(std::min(wanted, kBufferSize)), bytes_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}
  std::span<std::byte> span() { return {bytes_.get(), size_}; }
  std::span<std::byte> first(std::size_t count) { return span().first(std::min(count, size_)); }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

// Calls in the manner of read(2) whose failures are the application's concern: no log.
template <typename F>
Result<std::size_t> transfer(F call) {
  ssize_t count;
  do {
    count = call();
  } while (count < 0 && errno == EINTR);
  if (count < 0) return last_errno();
  return static_cast<std::size_t>(count);
}

Result<void> succeed(int status) {
  if (status < 0) return last_errno();
  return {};
}

FileAttributes from_host(const struct stat& host) {
  FileAttributes attributes;
  attributes.mode = host.st_mode;
  attributes.inode = host.st_ino;
  attributes.device = host.st_dev;
  attributes.links = host.st_nlink;
  attributes.uid = Uid{host.st_uid};
  attributes.gid = Gid{host.st_gid};
  attributes.rdev = host.st_rdev;
  attributes.size = host.st_size;
  attributes.blocks = host.st_blocks;
  attributes.block_size = host.st_blksize;
  attributes.access_time = host.st_atim;
  attributes.modify_time = host.st_mtim;
  attributes.change_time = attributes.birth_time = host.st_ctim;
  return attributes;
}

}  // namespace

std::string HostFile::anonymous_name() const {
  struct stat host {};
  if (::fstat(fd_.get(), &host) != 0) return "host:[unknown]";
  const char* kind = S_ISFIFO(host.st_mode) ? "pipe" : S_ISSOCK(host.st_mode) ? "socket" : "host";
  return kind + (":[" + std::to_string(host.st_ino)) + "]";
}

Result<FileAttributes> HostFile::attributes() {
  if (path()) return FileDescription::attributes();
  struct stat host {};
  TRY(HOST_CALL(::fstat(fd_.get(), &host)));
  return from_host(host);
}

Result<FilePtr> HostFile::reopen(OpenFlags wanted) {
  const bool denied = (wanted.readable() && !flags().readable()) || (wanted.writable() && !flags().writable());
  if (denied) return Errno(EACCES);
  UniqueFd copy(TRY(HOST_CALL(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0))));
  return make_another(std::move(copy), OpenFlags{wanted.bits & (O_ACCMODE | O_NONBLOCK | O_APPEND)});
}

Result<std::size_t> HostRegularFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  Buffer buffer(sink.remaining());
  std::size_t done = 0;
  while (sink.remaining() != 0) {
    const auto to = buffer.first(sink.remaining());
    const auto count = transfer([&] {
      return offset ? ::pread(fd_.get(), to.data(), to.size(), *offset + done)
                    : ::read(fd_.get(), to.data(), to.size());
    });
    if (!count.ok()) return done != 0 ? Result<std::size_t>(done) : count;
    const auto put = sink.put(to.first(*count));
    const std::size_t taken = put.ok() ? *put : 0;
    // The position must not pass what the application did not get.
    if (!offset && taken < *count) (void)::lseek(fd_.get(), -static_cast<off_t>(*count - taken), SEEK_CUR);
    if (!put.ok()) return done != 0 ? Result<std::size_t>(done) : put;
    done += taken;
    if (taken < to.size()) break;
  }
  return done;
}

Result<std::size_t> HostRegularFile::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  Buffer buffer(source.remaining());
  std::size_t done = 0;
  while (source.remaining() != 0) {
    const auto taken = source.take(buffer.first(source.remaining()));
    if (!taken.ok()) return done != 0 ? Result<std::size_t>(done) : taken;
    const auto from = buffer.first(*taken);
    const auto count = transfer([&] {
      return offset ? ::pwrite(fd_.get(), from.data(), from.size(), *offset + done)
                    : ::write(fd_.get(), from.data(), from.size());
    });
    if (!count.ok()) return done != 0 ? Result<std::size_t>(done) : count;
    done += *count;
    if (*count < from.size() || *count == 0) break;
  }
  return done;
}

Result<std::int64_t> HostRegularFile::seek(std::int64_t offset, int whence) {
  const off_t position = ::lseek(fd_.get(), offset, whence);
  if (position < 0) return last_errno();
  return position;
}

Result<void> HostRegularFile::truncate(std::uint64_t size) { return succeed(::ftruncate(fd_.get(), size)); }

Result<void> HostRegularFile::allocate(int mode, std::uint64_t offset, std::uint64_t length) {
  return succeed(::fallocate(fd_.get(), mode, offset, length));
}

Result<void> HostRegularFile::sync(bool data_only) {
  return succeed(data_only ? ::fdatasync(fd_.get()) : ::fsync(fd_.get()));
}

Result<FileMapping> HostRegularFile::map(std::uint64_t offset, std::uint64_t length, bool shared_writable) {
  if (!flags().readable() || (shared_writable && !flags().writable())) return Errno(EACCES);
  return FileMapping{{{fd_.get(), offset, length}}};
}

HostStream::HostStream(HostPoller& poller, UniqueFd fd, VfsPath path, OpenFlags flags)
    : HostFile(std::move(fd), std::move(path), flags), poller_(poller) {}

HostStream::~HostStream() {
  if (polled_.load(std::memory_order_acquire)) poller_.remove(fd_.get());
}

bool HostStream::pollable() {
  std::call_once(poll_once_, [this] { polled_.store(poller_.add(fd_.get(), queue_).ok(), std::memory_order_release); });
  return polled_.load(std::memory_order_acquire);
}

WaitQueue* HostStream::wait_queue() {
  (void)pollable();
  return &queue_;
}

Result<std::size_t> HostStream::read_some(std::span<std::byte> to) {
  if (has_nowait_.load(std::memory_order_relaxed)) {
    const iovec vector{to.data(), to.size()};
    const auto count = transfer([&] { return ::preadv2(fd_.get(), &vector, 1, -1, RWF_NOWAIT); });
    if (count.ok() || count.error() != Errno(EOPNOTSUPP)) return count;
    has_nowait_.store(false, std::memory_order_relaxed);
  }
  if (HostPoller::readiness(fd_.get(), POLLIN) == 0) return Errno(EAGAIN);
  return transfer([&] { return ::read(fd_.get(), to.data(), to.size()); });
}

Result<std::size_t> HostStream::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (!flags().readable()) return Errno(EBADF);
  if (sink.remaining() == 0) return 0;
  Buffer buffer(sink.remaining());
  const std::size_t count = TRY(read_some(buffer.span()));
  return sink.put(buffer.first(count));
}

Result<void> HostStream::write_chunk(std::span<const std::byte> from) {
  while (!from.empty()) {
    auto count = transfer([&] { return ::write(fd_.get(), from.data(), from.size()); });
    if (!count.ok() && count.error() == Errno(EAGAIN)) {
      // A non-blocking descriptor, and a writer outside that was faster. The bytes are already taken: wait here.
      pollfd entry{fd_.get(), POLLOUT, 0};
      (void)::poll(&entry, 1, -1);
      count = 0;
    }
    if (!count.ok()) return count.error();
    from = from.subspan(*count);
  }
  return {};
}

Result<std::size_t> HostStream::write(IoSource& source, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (!flags().writable()) return Errno(EBADF);
  if (source.remaining() == 0) return 0;
  std::array<std::byte, PIPE_BUF> chunk;
  std::size_t done = 0;
  while (source.remaining() != 0 && HostPoller::readiness(fd_.get(), POLLOUT) != 0) {
    const auto taken = source.take(std::span(chunk).first(std::min(source.remaining(), chunk.size())));
    if (!taken.ok()) return done != 0 ? Result<std::size_t>(done) : taken;
    const auto written = write_chunk(std::span(chunk).first(*taken));
    if (!written.ok()) return done != 0 ? Result<std::size_t>(done) : Result<std::size_t>(written.error());
    done += *taken;
  }
  return done != 0 ? Result<std::size_t>(done) : Errno(EAGAIN);
}

Result<std::int64_t> HostStream::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (command != FIONREAD) return Errno(ENOTTY);
  int available = 0;
  TRY(succeed(::ioctl(fd_.get(), FIONREAD, &available)));
  TRY(task.write(UserOut<int>{{argument}}, available));
  return 0;
}

EventMask HostStream::readiness(EventMask interest) {
  return HostPoller::readiness(fd_.get(), interest | kAlwaysReported);
}

Result<FilePtr> open_host_file(HostPoller& poller, UniqueFd fd) {
  const int host_flags = TRY(HOST_CALL(::fcntl(fd.get(), F_GETFL)));
  const OpenFlags flags{host_flags & (O_ACCMODE | O_APPEND)};
  struct stat host {};
  TRY(HOST_CALL(::fstat(fd.get(), &host)));
  if (S_ISDIR(host.st_mode) || S_ISBLK(host.st_mode)) return Errno(EINVAL);
  if (S_ISREG(host.st_mode)) return FilePtr(std::make_shared<HostRegularFile>(std::move(fd), flags));
  if (S_ISCHR(host.st_mode) && ::isatty(fd.get()))
    return FilePtr(std::make_shared<HostTerminal>(poller, std::move(fd), flags));
  return FilePtr(std::make_shared<HostStream>(poller, std::move(fd), VfsPath{}, flags));
}

}  // namespace runsc
