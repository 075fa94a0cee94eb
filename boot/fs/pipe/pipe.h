// Pipes (pipe(7)): a buffer, and the open files that are its ends. Named pipes (fifo.h) use the same.
#pragma once

#include <climits>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "boot/base/lock.h"
#include "boot/fs/pipe/byte_ring.h"
#include "boot/kernel/wait_queue.h"
#include "boot/vfs/anonymous_file.h"
#include "boot/vfs/file_description.h"

namespace runsc {

inline constexpr std::size_t kPipeDefaultCapacity = 65536;
// /proc/sys/fs/pipe-max-size. Nobody gets more, whatever the capabilities: the memory is the sandbox's.
inline constexpr std::size_t kPipeMaxCapacity = 1 << 20;

// The buffer and the count of its ends. Thread-safe; the application's memory is copied under the lock (kPipe), which
// is why no other lock but the platform's may be needed by an IoSink or IoSource that is passed here.
class Pipe {
 public:
  Pipe() = default;

  // EAGAIN: empty and there are writers; 0: empty and there are none.
  Result<std::size_t> read(IoSink& sink);
  // At most PIPE_BUF bytes are written completely or not at all (EAGAIN); more may be written partially. EPIPE: no
  // readers. `packets`: each PIPE_BUF bytes are one message that a read takes as a whole (O_DIRECT).
  Result<std::size_t> write(IoSource& source, bool packets);
  // tee(2), or with `consume` splice(2), between two pipes; EINVAL if they are the same one. Errors as read and write.
  static Result<std::size_t> transfer(Pipe& from, Pipe& to, std::size_t limit, bool consume);
  // For splice(2) to other files, when the target took less than was read: the bytes become the next to be read.
  void unread(std::span<const std::byte> bytes);

  std::size_t available() const { return state_.lock()->ring.size(); }
  std::size_t capacity() const { return state_.lock()->ring.capacity(); }
  // F_SETPIPE_SZ: rounds up to a power of two of at least a page, and returns that. EBUSY: more is in it; EPERM: more
  // than kPipeMaxCapacity; EINVAL: more than 2 GiB.
  Result<std::size_t> set_capacity(std::uint64_t bytes);

  // `hang_up_known`: the reader has seen the present absence of writers, so that it is no hang-up to it.
  EventMask readiness(bool reader, bool writer, std::uint64_t hang_up_known) const;
  WaitQueue& queue() { return queue_; }

  // How often an end was opened, ever: an open that waits for the other end must not miss one that was closed again.
  struct Opens {
    std::uint64_t readers = 0, writers = 0;
    friend bool operator==(const Opens&, const Opens&) = default;
  };
  struct Ends {
    int readers = 0, writers = 0;
    Opens opens;  // the present open included
  };
  // Counts new ends, tells waiters, and returns the counts.
  Ends add(bool reader, bool writer);
  // What is in the buffer is lost when nobody has it open.
  void remove(bool reader, bool writer);
  Ends ends() const;

 private:
  struct Segment {
    std::size_t length;
    bool packet;
  };
  struct State {
    ByteRing ring{kPipeDefaultCapacity};
    // The borders of messages; empty as long as none was written.
    std::deque<Segment> segments;
    int readers = 0, writers = 0;
    Opens opens;
  };
  static Result<std::size_t> read_locked(State& state, IoSink& sink);
  static Result<std::size_t> write_locked(State& state, IoSource& source, bool packets);
  static void note_written(State& state, std::size_t length, bool packet);
  static void note_read(State& state, std::size_t length);
  static Result<std::size_t> transfer_locked(State& from, State& to, std::size_t limit, bool consume);

  Guarded<State, LockLevel::kPipe> state_;
  WaitQueue queue_;  // of readers and writers: their masks tell them apart
};
using PipePtr = std::shared_ptr<Pipe>;

// An open end, or both (O_RDWR of a FIFO).
class PipeEnd : public FileDescription {
 public:
  // `path` is empty and `identity` counts for pipe(2); the inode's attributes count for a FIFO.
  // The end must have been counted with Pipe::add(); `hang_up_known` as in Pipe::readiness().
  PipeEnd(PipePtr pipe, VfsPath path, OpenFlags flags, const AnonymousIdentity& identity,
          std::uint64_t hang_up_known = 0);
  ~PipeEnd() override;

  Pipe& pipe() { return *pipe_; }

  std::string anonymous_name() const override;
  Result<FileAttributes> attributes() override;
  // Of the same pipe, in either direction; never waits for the other end.
  Result<FilePtr> reopen(OpenFlags flags) override;
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &pipe_->queue(); }

 private:
  PipePtr pipe_;
  FileAttributes attributes_;
  std::uint64_t hang_up_known_;
};

// pipe2(2): the end to read and the end to write. `flags`: O_NONBLOCK, O_DIRECT.
std::pair<FilePtr, FilePtr> make_pipe(int flags, const AnonymousIdentity& identity);

}  // namespace runsc
