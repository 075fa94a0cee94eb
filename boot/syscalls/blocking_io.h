// Reads and writes that wait: file descriptions never block by themselves (boot/vfs/file_description.h).
#pragma once

#include <optional>
#include <vector>

#include "boot/kernel/current_task.h"

struct iovec;

namespace runsc {

// Does `attempt` until its result is not EAGAIN, waiting for `events` of `file` in between. kRestartSys: interrupted.
template <typename Attempt>
auto retry_until_ready(CurrentTask& task, FileDescription& file, EventMask events, Attempt attempt)
    -> decltype(attempt()) {
  auto result = attempt();
  const auto again = [&] { return !result.ok() && result.error() == Errno(EAGAIN); };
  if (!again() || file.wait_queue() == nullptr) return result;
  TRY(task.wait(*file.wait_queue(), events, std::nullopt, [&] {
    result = attempt();
    return !again();
  }));
  return result;
}

// One read(2)- or write(2)-like call on an open file, whose access mode was checked. Waits unless O_NONBLOCK or
// RWF_NOWAIT. `offset` empty: the file position. A write to a pipe or socket goes on until all was taken. Raises
// SIGPIPE with EPIPE and SIGXFSZ with EFBIG; tells inotify.
Result<std::size_t> read_file(CurrentTask& task, FileDescription& file, IoSink& sink,
                              std::optional<std::uint64_t> offset, int rwf);
Result<std::size_t> write_file(CurrentTask& task, FileDescription& file, IoSource& source,
                               std::optional<std::uint64_t> offset, int rwf);

// Open for reading or writing, else EBADF.
Result<FilePtr> readable_file(CurrentTask& task, Fd fd);
Result<FilePtr> writable_file(CurrentTask& task, Fd fd);

// The vectors of readv(2) and its relatives, together at most kMaxTransfer bytes. EINVAL: too many or too long.
Result<std::vector<AddressSpace::Range>> read_iovec(CurrentTask& task, UserIn<struct iovec> from, std::uint64_t count);

// RLIMIT_FSIZE for a file that would grow to `size`: SIGXFSZ and EFBIG.
Result<void> check_file_size_limit(CurrentTask& task, std::uint64_t size);

}  // namespace runsc
