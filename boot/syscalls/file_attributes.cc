// chmod(2), chown(2), utimensat(2) and their relatives.
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#include "boot/kernel/deadline.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"

namespace runsc {
namespace {

// -1 leaves an id as it is. EINVAL: the caller's user namespace does not map it.
Result<std::optional<Uid>> wanted_id(CurrentTask& task, Uid id) {
  if (raw(id) == ~0U) return std::optional<Uid>();
  return std::optional(TRY(global_uid(task.credentials()->user_namespace, id)));
}
Result<std::optional<Gid>> wanted_id(CurrentTask& task, Gid id) {
  if (raw(id) == ~0U) return std::optional<Gid>();
  return std::optional(TRY(global_gid(task.credentials()->user_namespace, id)));
}

// The place of an open file, not of an O_PATH descriptor.
Result<VfsPath> place_of_descriptor(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.io_file(fd));
  return place_of(*file);
}

struct Times {
  AttributeChange change;
  bool both_now = false;
  bool nothing = false;
};

Result<Times> wanted_times(const timespec& access, const timespec& modify) {
  Times times;
  const auto decode = [](const timespec& time) -> Result<std::optional<AttributeChange::Time>> {
    if (time.tv_nsec == UTIME_OMIT) return std::optional<AttributeChange::Time>();
    if (time.tv_nsec == UTIME_NOW) return std::optional(AttributeChange::Time{true, {}});
    if (time.tv_nsec < 0 || time.tv_nsec >= kNanosecondsPerSecond) return Errno(EINVAL);
    return std::optional(AttributeChange::Time{false, time});
  };
  times.change.access_time = TRY(decode(access));
  times.change.modify_time = TRY(decode(modify));
  times.both_now = access.tv_nsec == UTIME_NOW && modify.tv_nsec == UTIME_NOW;
  times.nothing = !times.change.access_time && !times.change.modify_time;
  return times;
}

Times both_now() { return *wanted_times({0, UTIME_NOW}, {0, UTIME_NOW}); }

Result<Times> read_timevals(CurrentTask& task, UserIn<struct timeval> from) {
  if (!from) return both_now();
  const auto values = TRY(task.read_array(from, 2));
  timespec times[2];
  for (int i = 0; i < 2; ++i) {
    if (values[i].tv_usec < 0 || values[i].tv_usec >= 1'000'000) return Errno(EINVAL);
    times[i] = {values[i].tv_sec, values[i].tv_usec * 1000};
  }
  return wanted_times(times[0], times[1]);
}

// `path` null: the open file itself, as futimens(3) has it.
Result<long> set_times(CurrentTask& task, Fd directory, UserPath path, const Times& times, int flags) {
  if (!path && raw(directory) == AT_FDCWD) return Errno(EFAULT);
  const VfsPath found = TRY(path ? find_path(task, directory, path, flags) : place_of_descriptor(task, directory));
  TRY(change_times(task, found, times.change, times.both_now));
  return 0;
}

}  // namespace

Result<long> sys_fchmodat2(CurrentTask& task, Fd directory, UserPath path, Mode mode, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  TRY(change_mode(task, TRY(find_path(task, directory, path, flags)), mode.bits));
  return 0;
}

Result<long> sys_fchmodat(CurrentTask& task, Fd directory, UserPath path, Mode mode) {
  return sys_fchmodat2(task, directory, path, mode, 0);
}

Result<long> sys_chmod(CurrentTask& task, UserPath path, Mode mode) {
  return sys_fchmodat2(task, kAtCwd, path, mode, 0);
}

Result<long> sys_fchmod(CurrentTask& task, Fd fd, Mode mode) {
  TRY(change_mode(task, TRY(place_of_descriptor(task, fd)), mode.bits));
  return 0;
}

Result<long> sys_fchownat(CurrentTask& task, Fd directory, UserPath path, Uid uid, Gid gid, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  TRY(change_owner(task, TRY(find_path(task, directory, path, flags)), TRY(wanted_id(task, uid)),
                   TRY(wanted_id(task, gid))));
  return 0;
}

Result<long> sys_chown(CurrentTask& task, UserPath path, Uid uid, Gid gid) {
  return sys_fchownat(task, kAtCwd, path, uid, gid, 0);
}

Result<long> sys_lchown(CurrentTask& task, UserPath path, Uid uid, Gid gid) {
  return sys_fchownat(task, kAtCwd, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

Result<long> sys_fchown(CurrentTask& task, Fd fd, Uid uid, Gid gid) {
  TRY(change_owner(task, TRY(place_of_descriptor(task, fd)), TRY(wanted_id(task, uid)), TRY(wanted_id(task, gid))));
  return 0;
}

Result<long> sys_utimensat(CurrentTask& task, Fd directory, UserPath path, UserIn<struct timespec> pointer, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  Times times = both_now();
  if (pointer) {
    const auto values = TRY(task.read_array(pointer, 2));
    times = TRY(wanted_times(values[0], values[1]));
  }
  if (times.nothing) return 0;
  if (!path && flags != 0) return Errno(EINVAL);
  return set_times(task, directory, path, times, flags);
}

Result<long> sys_futimesat(CurrentTask& task, Fd directory, UserPath path, UserIn<struct timeval> times) {
  return set_times(task, directory, path, TRY(read_timevals(task, times)), 0);
}

Result<long> sys_utimes(CurrentTask& task, UserPath path, UserIn<struct timeval> times) {
  return set_times(task, kAtCwd, path, TRY(read_timevals(task, times)), 0);
}

Result<long> sys_utime(CurrentTask& task, UserPath path, UserIn<struct utimbuf> pointer) {
  Times times = both_now();
  if (pointer) {
    const utimbuf values = TRY(task.read(pointer));
    times = TRY(wanted_times({values.actime, 0}, {values.modtime, 0}));
  }
  return set_times(task, kAtCwd, path, times, 0);
}

}  // namespace runsc
