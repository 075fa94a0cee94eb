// select(2), pselect6(2).
#include <sys/select.h>

#include <array>

#include "boot/kernel/fd_table.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"

namespace runsc {
namespace {

// What of poll(2) each of the three sets stands for.
constexpr EventMask kIn = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr EventMask kOut = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr EventMask kExcept = POLLPRI;
constexpr std::array<EventMask, 3> kMeaning{kIn, kOut, kExcept};

// A number of descriptors beyond which no set is read; more cannot be open.
constexpr int kMaxDescriptors = 1 << 20;

using Words = std::vector<std::uint64_t>;
using UserSet = UserInOut<std::uint64_t>;

bool contains(const Words& words, int bit) { return !words.empty() && ((words[bit / 64] >> (bit % 64)) & 1) != 0; }

// fd_sets are arrays of bytes as far as the call may read and write: FDS_BYTES(n) of Linux, whole longs.
struct Sets {
  std::array<UserSet, 3> where;
  std::array<Words, 3> words;
  int count = 0;

  Result<void> read(CurrentTask& task) {
    for (int set = 0; set < 3; ++set)
      if (where[set]) words[set] = TRY(task.read_array(where[set].in(), (count + 63) / 64));
    return {};
  }
  Result<void> write(CurrentTask& task) const {
    for (int set = 0; set < 3; ++set)
      if (where[set]) TRY(task.write_array(where[set].out(), std::span<const std::uint64_t>(words[set])));
    return {};
  }
};

struct Selected {
  int fd;
  EventMask wanted;
};

Result<long> select_until(CurrentTask& task, Sets& sets, const OptionalDeadline& deadline) {
  TRY(sets.read(task));
  std::vector<Selected> selected;
  std::vector<PolledFile> files;
  for (int fd = 0; fd < sets.count; ++fd) {
    EventMask wanted = 0;
    for (int set = 0; set < 3; ++set)
      if (contains(sets.words[set], fd)) wanted |= kMeaning[set];
    if (wanted == 0) continue;
    files.push_back({TRY(task.io_file(Fd{fd})), wanted, 0});
    selected.push_back({fd, wanted});
  }
  TRY(poll_files(task, files, deadline));
  long bits = 0;
  std::array<Words, 3> result;
  for (int set = 0; set < 3; ++set) {
    result[set].resize(sets.words[set].size());
    for (std::size_t i = 0; i < files.size(); ++i) {
      const int fd = selected[i].fd;
      if (!contains(sets.words[set], fd) || (files[i].ready & kMeaning[set]) == 0) continue;
      result[set][fd / 64] |= 1ULL << (fd % 64);
      ++bits;
    }
  }
  sets.words = std::move(result);
  TRY(sets.write(task));
  return bits;
}

Result<long> select_sets(CurrentTask& task, int count, std::array<UserSet, 3> where, const OptionalDeadline& deadline) {
  if (count < 0) return Errno(EINVAL);
  Sets sets{where, {}, std::min(count, kMaxDescriptors)};
  const auto result = select_until(task, sets, deadline);
  if (!result.ok() && result.error() == kRestartSys) return kRestartNoHandler;
  return result;
}

Result<OptionalDeadline> read_timeval(CurrentTask& task, UserIn<timeval> timeout) {
  if (!timeout) return OptionalDeadline();
  const timeval time = TRY(task.read(timeout));
  // More than a second of microseconds is allowed here.
  const timespec normal{time.tv_sec + time.tv_usec / 1'000'000, time.tv_usec % 1'000'000 * 1000};
  if (time.tv_sec < 0 || time.tv_usec < 0 || !valid_timespec(normal)) return Errno(EINVAL);
  return OptionalDeadline(Deadline::after(to_ns(normal)));
}

}  // namespace

Result<long> sys_select(CurrentTask& task, int count, UserSet in, UserSet out, UserSet except,
                        UserInOut<struct timeval> timeout) {
  const OptionalDeadline deadline = TRY(read_timeval(task, timeout.in()));
  const auto result = select_sets(task, count, {in, out, except}, deadline);
  if (deadline) {
    const timespec rest = remaining_time(*deadline);
    (void)task.write(timeout.out(), timeval{rest.tv_sec, rest.tv_nsec / 1000});
  }
  return result;
}

Result<long> sys_pselect6(CurrentTask& task, int count, UserSet in, UserSet out, UserSet except,
                          UserInOut<struct timespec> timeout, UserIn<SignalMaskArgument> argument) {
  SignalMaskArgument mask;
  if (argument) mask = TRY(task.read(argument));
  const OptionalDeadline deadline = TRY(read_timeout(task, timeout.in()));
  TRY(apply_signal_mask(task, mask.mask, mask.size));
  const auto result = select_sets(task, count, {in, out, except}, deadline);
  if (deadline) (void)task.write(timeout.out(), remaining_time(*deadline));
  return result;
}

}  // namespace runsc
