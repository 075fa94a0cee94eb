// open(2) and its relatives, close(2), close_range(2), memfd_create(2).
#include <linux/openat2.h>
#include <sys/mman.h>

#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"

namespace runsc {
namespace {

constexpr int kLargeFile = 0100000;  // O_LARGEFILE, which 64-bit programs always get
constexpr int kTmpFileBit = O_TMPFILE & ~O_DIRECTORY;
constexpr int kPathFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
                            O_ASYNC | O_DIRECT | kLargeFile | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |
                            O_PATH | O_TMPFILE;

Result<long> open_and_install(CurrentTask& task, const WalkFrom& from, std::string_view path, OpenFlags flags,
                              std::uint32_t mode) {
  if ((flags.bits & kTmpFileBit) != 0 && !flags.has(O_TMPFILE)) return Errno(EINVAL);
  if (!flags.path_only()) flags.bits |= kLargeFile;
  FilePtr file = TRY(open_path(task, from, path, flags, mode & 07777));
  return static_cast<long>(raw(TRY(task.install(std::move(file), flags.close_on_exec()))));
}

Result<void> check_how(const open_how& how) {
  const bool creates = (how.flags & O_CREAT) != 0 || (how.flags & kTmpFileBit) != 0;
  if ((how.flags & ~static_cast<std::uint64_t>(kKnownFlags)) != 0) return Errno(EINVAL);
  if ((how.mode & ~07777ULL) != 0 || (!creates && how.mode != 0)) return Errno(EINVAL);
  if ((how.flags & O_PATH) != 0 && (how.flags & ~static_cast<std::uint64_t>(kPathFlags)) != 0) return Errno(EINVAL);
  constexpr std::uint64_t kKnownResolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                          RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
  if ((how.resolve & ~kKnownResolve) != 0) return Errno(EINVAL);
  if ((how.resolve & RESOLVE_BENEATH) != 0 && (how.resolve & RESOLVE_IN_ROOT) != 0) return Errno(EINVAL);
  if ((how.resolve & RESOLVE_CACHED) != 0 && (creates || (how.flags & O_TRUNC) != 0)) return Errno(EAGAIN);
  return {};
}

// A structure that may grow: bytes that this kernel does not know must be zero.
Result<open_how> read_how(CurrentTask& task, UserIn<std::byte> from, std::size_t size) {
  if (size < sizeof(open_how)) return Errno(EINVAL);
  if (size > kPageSize) return Errno(E2BIG);
  const auto bytes = TRY(task.read_array(from, size));
  for (std::size_t i = sizeof(open_how); i < size; ++i)
    if (bytes[i] != std::byte{0}) return Errno(E2BIG);
  open_how how;
  std::memcpy(&how, bytes.data(), sizeof how);
  return how;
}

}  // namespace

Result<long> sys_open(CurrentTask& task, UserPath path, OpenFlags flags, Mode mode) {
  return sys_openat(task, kAtCwd, path, flags, mode);
}

Result<long> sys_openat(CurrentTask& task, Fd directory, UserPath path, OpenFlags flags, Mode mode) {
  flags.bits &= kKnownFlags;
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  return open_and_install(task, argument.from, argument.text, flags, mode.bits);
}

Result<long> sys_openat2(CurrentTask& task, Fd directory, UserPath path, UserIn<std::byte> how_pointer,
                         std::size_t size) {
  const open_how how = TRY(read_how(task, how_pointer, size));
  TRY(check_how(how));
  const std::string text = TRY(task.read_path(path));
  const bool scoped = (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
  WalkFrom from = TRY(walk_from(task, directory, scoped ? "." : text));
  from.resolve = how.resolve;
  return open_and_install(task, from, text, OpenFlags{static_cast<int>(how.flags)},
                          static_cast<std::uint32_t>(how.mode));
}

Result<long> sys_creat(CurrentTask& task, UserPath path, Mode mode) {
  return sys_openat(task, kAtCwd, path, OpenFlags{O_CREAT | O_WRONLY | O_TRUNC}, mode);
}

Result<long> sys_close(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.files().remove(fd));
  TRY(task.files().close(file));
  return 0;
}

Result<long> sys_close_range(CurrentTask& task, unsigned first, unsigned last, unsigned flags) {
  constexpr unsigned kUnshare = 1U << 1;      // CLOSE_RANGE_UNSHARE
  constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
  if ((flags & ~(kUnshare | kCloseOnExec)) != 0 || first > last) return Errno(EINVAL);
  if ((flags & kUnshare) != 0) task.set_files(task.files().copy());
  if ((flags & kCloseOnExec) != 0) {
    task.files().set_close_on_exec_range(first, last);
    return 0;
  }
  for (const FilePtr& file : task.files().remove_range(first, last)) (void)task.files().close(file);
  return 0;
}

Result<long> sys_memfd_create(CurrentTask& task, UserString name, unsigned flags) {
  constexpr unsigned kNoExecSeal = 8, kExec = 16;  // MFD_NOEXEC_SEAL, MFD_EXEC
  constexpr std::size_t kLongestName = 249;
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal | kExec)) != 0) return Errno(EINVAL);
  if ((flags & kNoExecSeal) != 0 && (flags & kExec) != 0) return Errno(EINVAL);
  const std::string text = TRY(task.read_string(name, kLongestName + 1, Errno(EINVAL)));
  const auto& make = task.fs().mounts()->services().make_memory_file;
  if (!make) return Errno(ENOSYS);
  FilePtr file = TRY(make("memfd:" + text, 0, (flags & (MFD_ALLOW_SEALING | kNoExecSeal)) != 0));
  AttributeChange owner;
  owner.uid = task.credentials()->fs_uid;
  owner.gid = task.credentials()->fs_gid;
  if ((flags & kNoExecSeal) != 0) owner.mode = 0666;
  TRY(file->inode()->set_attributes(owner));
  return static_cast<long>(raw(TRY(task.install(std::move(file), (flags & MFD_CLOEXEC) != 0))));
}

}  // namespace runsc
