// Memory of other processes: process_vm_readv(2), process_vm_writev(2), process_madvise(2).
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>

#include "boot/base/checked.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/pidfd_hook.h"
#include "boot/syscalls/process_access.h"

namespace runsc {
namespace {

using Ranges = std::vector<AddressSpace::Range>;

constexpr std::uint64_t kMostVectors = 1024;  // UIO_MAXIOV
constexpr std::size_t kChunk = 64 * 1024;

// EINVAL: too many, or longer than a signed number says.
Result<Ranges> read_vectors(CurrentTask& task, UserIn<struct iovec> from, std::uint64_t count) {
  if (count > kMostVectors) return Errno(EINVAL);
  const auto vectors = TRY(task.read_array(from, count));
  Ranges ranges;
  std::uint64_t total = 0;
  for (const struct iovec& each : vectors) {
    const auto sum = checked_add<std::uint64_t>(total, each.iov_len);
    if (!sum || *sum > static_cast<std::uint64_t>(INT64_MAX)) return Errno(EINVAL);
    total = *sum;
    ranges.push_back({reinterpret_cast<std::uint64_t>(each.iov_base), each.iov_len});
  }
  return ranges;
}

Result<std::shared_ptr<MemoryManager>> memory_of(CurrentTask& task, Pid pid) {
  TaskPtr target;
  {
    auto tree = task.kernel().tasks().lock();
    Task* found = task.task().pid_namespace()->find(*tree, pid);
    if (found == nullptr) return Errno(ESRCH);
    target = found->shared_from_this();
  }
  auto memory = target->memory();
  if (memory == nullptr) return Errno(ESRCH);
  if (!may_attach(task, *target)) return Errno(EPERM);
  return memory;
}

// Takes the next piece of both lists, at most `most` bytes; empty at the end of one of them.
struct Piece {
  std::uint64_t local = 0, remote = 0;
  std::size_t length = 0;
};
class PairedRanges {
 public:
  PairedRanges(Ranges local, Ranges remote) : local_(std::move(local)), remote_(std::move(remote)) {}
  Piece next(std::size_t most) {
    skip_empty(local_, local_at_);
    skip_empty(remote_, remote_at_);
    if (local_at_ == local_.size() || remote_at_ == remote_.size()) return {};
    AddressSpace::Range& local = local_[local_at_];
    AddressSpace::Range& remote = remote_[remote_at_];
    const Piece piece{local.address, remote.address, std::min({local.length, remote.length, std::uint64_t{most}})};
    for (AddressSpace::Range* range : {&local, &remote}) {
      range->address += piece.length;
      range->length -= piece.length;
    }
    return piece;
  }

 private:
  static void skip_empty(const Ranges& ranges, std::size_t& at) {
    while (at < ranges.size() && ranges[at].length == 0) ++at;
  }
  Ranges local_, remote_;
  std::size_t local_at_ = 0, remote_at_ = 0;
};

// Returns how much was copied; less than asked for at the first byte that is not accessible.
std::size_t copy(AddressSpace& from, std::uint64_t from_address, AddressSpace& to, std::uint64_t to_address,
                 std::span<std::byte> buffer) {
  const std::size_t got = from.read(from_address, buffer).value_or(0);
  if (got == 0) return 0;
  return to.write(to_address, buffer.first(got)).value_or(0);
}

Result<long> transfer(CurrentTask& task, Pid pid, UserIn<struct iovec> local, std::uint64_t local_count,
                      UserIn<struct iovec> remote, std::uint64_t remote_count, std::uint64_t flags, bool writes) {
  if (flags != 0) return Errno(EINVAL);
  PairedRanges pairs(TRY(read_vectors(task, local, local_count)), TRY(read_vectors(task, remote, remote_count)));
  Piece piece = pairs.next(kChunk);
  if (piece.length == 0) return 0;
  const auto memory = TRY(memory_of(task, pid));
  AddressSpace& own = task.user_memory();
  std::vector<std::byte> buffer(kChunk);
  long total = 0;
  for (; piece.length != 0; piece = pairs.next(kChunk)) {
    const auto part = std::span(buffer).first(piece.length);
    const std::size_t done = writes ? copy(own, piece.local, memory->space(), piece.remote, part)
                                    : copy(memory->space(), piece.remote, own, piece.local, part);
    total += static_cast<long>(done);
    if (done < piece.length || task.interrupted()) break;
  }
  if (total == 0) return Errno(EFAULT);
  return total;
}

// Whose memory process_madvise(2) speaks of. Other processes only get hints that change nothing they can see.
Result<std::shared_ptr<MemoryManager>> memory_for_advice(CurrentTask& task, Fd pidfd, int advice) {
  constexpr int kCold = 20, kPageout = 21, kCollapse = 25;
  const ThreadGroupPtr group = TRY(pidfd_target(task, pidfd)).group;
  const Pid pid = group->pid(*task.task().pid_namespace());
  if (group.get() == &task.group()) return memory_of(task, pid);
  if (advice != kCold && advice != kPageout && advice != kCollapse && advice != MADV_WILLNEED) return Errno(EINVAL);
  const auto memory = TRY(memory_of(task, pid));
  if (!task.capable(CAP_SYS_NICE)) return Errno(EPERM);
  return memory;
}

}  // namespace

Result<long> sys_process_vm_readv(CurrentTask& task, Pid pid, UserIn<struct iovec> local, std::uint64_t local_count,
                                  UserIn<struct iovec> remote, std::uint64_t remote_count, std::uint64_t flags) {
  return transfer(task, pid, local, local_count, remote, remote_count, flags, false);
}

Result<long> sys_process_vm_writev(CurrentTask& task, Pid pid, UserIn<struct iovec> local, std::uint64_t local_count,
                                   UserIn<struct iovec> remote, std::uint64_t remote_count, std::uint64_t flags) {
  return transfer(task, pid, local, local_count, remote, remote_count, flags, true);
}

Result<long> sys_process_madvise(CurrentTask& task, Fd pidfd, UserIn<struct iovec> vectors, std::uint64_t count,
                                 int advice, unsigned flags) {
  if (flags != 0) return Errno(EINVAL);
  const Ranges ranges = TRY(read_vectors(task, vectors, count));
  const auto memory = TRY(memory_for_advice(task, pidfd, advice));
  long total = 0;
  for (const AddressSpace::Range& range : ranges) {
    const auto advised = memory->madvise(range.address, range.length, advice);
    if (!advised.ok() && total == 0) return advised.error();
    if (!advised.ok()) break;
    total += static_cast<long>(range.length);
  }
  return total;
}

}  // namespace runsc
