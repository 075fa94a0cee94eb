// Listing directories, and where a process stands: getdents(2), getcwd(2), chdir(2), chroot(2), umask(2).
#include <dirent.h>

#include "boot/kernel/fs_context.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

// Builds the records of getdents64(2), or of the older getdents(2), in a buffer of the kernel.
class RecordSink : public DirectorySink {
 public:
  RecordSink(std::size_t room, bool old_format) : old_(old_format) {
    bytes_.reserve(std::min<std::size_t>(room, 4096));
    room_ = room;
  }

  bool add(std::string_view name, std::uint64_t inode, std::uint8_t type, std::int64_t next) override {
    const std::size_t header = old_ ? kOldHeader : kHeader;
    const std::size_t length = (header + name.size() + 1 + (old_ ? 1 : 0) + 7) & ~std::size_t{7};
    if (length > room_ - bytes_.size()) {
      full_ = true;
      return false;
    }
    const std::size_t at = bytes_.size();
    bytes_.resize(at + length);
    put(at, inode);
    put(at + 8, next);
    put(at + 16, static_cast<std::uint16_t>(length));
    if (old_)
      put(at + length - 1, type);
    else
      put(at + 18, type);
    std::memcpy(&bytes_[at + header], name.data(), name.size());
    return true;
  }
  std::span<const std::byte> bytes() const { return bytes_; }
  bool full() const { return full_; }

 private:
  static constexpr std::size_t kHeader = 19;     // d_ino, d_off, d_reclen, d_type
  static constexpr std::size_t kOldHeader = 18;  // without d_type, which is the last byte

  template <typename T>
  void put(std::size_t at, T value) {
    std::memcpy(&bytes_[at], &value, sizeof value);
  }

  const bool old_;
  std::size_t room_;
  bool full_ = false;
  std::vector<std::byte> bytes_;
};

constexpr std::size_t kMostBytes = 1 << 20;

Result<long> list(CurrentTask& task, Fd fd, UserOut<std::byte> to, unsigned size, bool old_format) {
  const FilePtr file = TRY(task.io_file(fd));
  RecordSink sink(std::min<std::size_t>(size, kMostBytes), old_format);
  TRY(file->read_directory(sink));
  if (sink.bytes().empty()) {
    if (sink.full()) return Errno(EINVAL);
    return 0;
  }
  TRY(task.write_array(to, sink.bytes()));
  return static_cast<long>(sink.bytes().size());
}

// A place where a process may stand.
Result<void> check_directory(CurrentTask& task, const VfsPath& path) {
  if (!S_ISDIR(path.dentry->inode_pointer()->type())) return Errno(ENOTDIR);
  return check_access(task, path, kMayExec);
}

}  // namespace

Result<long> sys_getdents(CurrentTask& task, Fd fd, UserOut<std::byte> to, unsigned size) {
  return list(task, fd, to, size, true);
}

Result<long> sys_getdents64(CurrentTask& task, Fd fd, UserOut<std::byte> to, unsigned size) {
  return list(task, fd, to, size, false);
}

Result<long> sys_getcwd(CurrentTask& task, UserOut<char> to, std::size_t size) {
  const FsContext::State state = task.fs().snapshot();
  const ShownPath shown = show_path(state.cwd, state.root);
  if (shown.deleted) return Errno(ENOENT);
  const std::size_t length = shown.text.size() + 1;
  if (length > PATH_MAX) return Errno(ENAMETOOLONG);
  if (length > size) return Errno(ERANGE);
  TRY(task.write_array(to, std::span(shown.text.c_str(), length)));
  return static_cast<long>(length);
}

Result<long> sys_chdir(CurrentTask& task, UserPath path) {
  VfsPath found = TRY(find_path(task, kAtCwd, path, 0));
  TRY(check_directory(task, found));
  task.fs().set_cwd(std::move(found));
  return 0;
}

Result<long> sys_fchdir(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.file(fd));
  if (!file->path()) return Errno(ENOTDIR);
  TRY(check_directory(task, file->path()));
  task.fs().set_cwd(file->path());
  return 0;
}

Result<long> sys_chroot(CurrentTask& task, UserPath path) {
  VfsPath found = TRY(find_path(task, kAtCwd, path, 0));
  TRY(check_directory(task, found));
  if (!task.credentials()->has_at_home(CAP_SYS_CHROOT)) return Errno(EPERM);
  task.fs().set_root(std::move(found));
  return 0;
}

Result<long> sys_umask(CurrentTask& task, Mode mode) { return static_cast<long>(task.fs().set_umask(mode.bits)); }

}  // namespace runsc
