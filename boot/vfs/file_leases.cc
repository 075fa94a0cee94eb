#include "boot/vfs/file_leases.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "boot/kernel/current_task.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/walk_context.h"

namespace runsc {
namespace {

// Other uses of the file than `file` itself that a lease of this type excludes.
bool is_open_otherwise(const FileDescription& file, Inode& inode, int type) {
  const int writers = std::max(inode.claims().writers.load(), 0);
  if (type == F_RDLCK) return writers != 0;
  const bool writes = file.flags().writable();
  return writers != (writes ? 1 : 0) || inode.claims().readers.load() != (writes ? 0 : 1);
}

// fs.lease-break-time; 0: the holder may take as long as it likes.
OptionalDeadline break_deadline(const WalkContext& context) {
  int seconds = 45;
  if (context.services != nullptr && context.services->get_sysctl) {
    const auto text = context.services->get_sysctl("fs/lease-break-time");
    if (text.ok()) (void)std::from_chars(text->data(), text->data() + text->size(), seconds);
  }
  if (seconds == 0) return std::nullopt;
  return Deadline::after(seconds * kNanosecondsPerSecond);
}

// What is to be waited for changes while it is waited for, and so does the deadline.
Result<void> wait_until_gone(CurrentTask& task, FileLeases& leases, bool for_write) {
  Sleeper& sleeper = task.task().sleeper();
  const ScopedWait registration(leases.queue(), sleeper, kAllEvents);
  for (;;) {
    const std::uint32_t ticket = sleeper.prepare();
    if (!leases.conflicts(for_write)) return {};
    if (task.interrupted()) return kRestartSys;
    task.task().set_state(TaskState::kSleeping);
    (void)sleeper.sleep(ticket, leases.next_deadline());
    task.task().set_state(TaskState::kRunning);
  }
}

}  // namespace

bool FileLeases::is_conflict(const Lease& lease, bool for_write) { return for_write || lease.type == F_WRLCK; }

FileLeases::Lease* FileLeases::find(Leases& leases, const FileDescription& file) const {
  const auto it = std::ranges::find(leases, &file, &Lease::file);
  return it != leases.end() ? &*it : nullptr;
}

Result<void> FileLeases::set(const FileDescription& file, Inode& inode, int type, std::function<void()> tell) {
  TRY(set_locked(*leases_.lock(), file, inode, type, std::move(tell)));
  queue_.notify(POLLIN);
  return {};
}

Result<void> FileLeases::set_locked(Leases& leases, const FileDescription& file, Inode& inode, int type,
                                    std::function<void()> tell) {
  if (is_open_otherwise(file, inode, type)) return Errno(EAGAIN);
  for (const Lease& each : leases) {
    const bool own = each.file == &file;
    // A lease on its way out lets nobody in, and a write lease is alone.
    if (!own && (type == F_WRLCK || each.type == F_WRLCK)) return Errno(EAGAIN);
    if (each.breaking && (!own || each.target == F_UNLCK || type == F_WRLCK)) return Errno(EAGAIN);
  }
  if (Lease* const old = find(leases, file)) {
    *old = Lease{&file, type, std::move(tell)};
    return {};
  }
  leases.push_back({&file, type, std::move(tell)});
  count_.store(leases.size());
  // Whoever opens the file claims it first and looks for leases then: one of both sees the other.
  if (!is_open_otherwise(file, inode, type)) return {};
  leases.pop_back();
  count_.store(leases.size());
  return Errno(EAGAIN);
}

bool FileLeases::remove(const FileDescription& file) {
  {
    auto leases = leases_.lock();
    if (std::erase_if(*leases, [&](const Lease& each) { return each.file == &file; }) == 0) return false;
    count_.store(leases->size());
  }
  queue_.notify(POLLIN);
  return true;
}

int FileLeases::type(const FileDescription& file) const {
  auto leases = leases_.lock();
  const Lease* const lease = find(*leases, file);
  if (lease == nullptr) return F_UNLCK;
  return lease->breaking ? lease->target : lease->type;
}

bool FileLeases::begin_break(bool for_write, const OptionalDeadline& deadline) {
  std::vector<std::function<void()>> tell;
  bool any = false;
  {
    auto leases = leases_.lock();
    for (Lease& each : *leases) {
      if (!is_conflict(each, for_write)) continue;
      any = true;
      const int target = for_write ? F_UNLCK : F_RDLCK;
      if (each.breaking && (each.target == F_UNLCK || each.target == target)) continue;
      each.breaking = true;
      each.target = target;
      each.deadline = deadline;
      tell.push_back(each.tell);
    }
  }
  for (const auto& each : tell) each();
  return any;
}

bool FileLeases::conflicts(bool for_write) {
  auto leases = leases_.lock();
  for (Lease& each : *leases) {
    if (!each.breaking || !each.deadline || !each.deadline->passed()) continue;
    each.type = each.target;
    each.breaking = false;
  }
  std::erase_if(*leases, [](const Lease& each) { return each.type == F_UNLCK; });
  count_.store(leases->size());
  return std::ranges::any_of(*leases, [&](const Lease& each) { return is_conflict(each, for_write); });
}

OptionalDeadline FileLeases::next_deadline() const {
  auto leases = leases_.lock();
  OptionalDeadline next;
  for (const Lease& each : *leases)
    if (each.breaking && each.deadline && (!next || each.deadline->at_ns < next->at_ns)) next = each.deadline;
  return next;
}

Result<void> break_leases(const WalkContext& context, Inode& inode, bool for_write, bool nonblocking) {
  if (!inode.has_leases()) return {};
  FileLeases& leases = inode.leases();
  if (!leases.begin_break(for_write, break_deadline(context))) return {};
  if (nonblocking || context.task == nullptr) return Errno(EWOULDBLOCK);
  return wait_until_gone(*context.task, leases, for_write);
}

}  // namespace runsc
