// The descriptors of a process (shared by CLONE_FILES).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Thread-safe. Files are released (which may close host descriptors, wake peers ..) outside the table's lock.
class FdTable {
 public:
  FdTable() = default;
  // Closes what is open: the end of a process's last task.
  ~FdTable();
  FdTable(const FdTable&) = delete;
  FdTable& operator=(const FdTable&) = delete;

  // What close(2) does to a file that was taken out of this table by the functions below (dup2's victim, close on exec
  // ..): the process gives up its POSIX locks on it, and the file reports late errors. Called without locks.
  Result<void> close(const FilePtr& file) const;

  // EBADF.
  Result<FilePtr> get(Fd fd) const;
  // The lowest free descriptor >= `from` and < `limit` (RLIMIT_NOFILE). EMFILE; EINVAL if from >= limit (and not 0).
  Result<Fd> install(FilePtr file, bool close_on_exec, std::uint64_t limit, int from = 0);
  // dup2(2): puts `file` at `fd`; returns what was there (null if nothing). EBADF: fd out of range of `limit`.
  Result<FilePtr> replace(Fd fd, FilePtr file, bool close_on_exec, std::uint64_t limit);
  // Returns the file that was open there. EBADF.
  Result<FilePtr> remove(Fd fd);
  std::vector<FilePtr> remove_range(unsigned first, unsigned last);
  void set_close_on_exec_range(unsigned first, unsigned last);
  Result<bool> close_on_exec(Fd fd) const;
  Result<void> set_close_on_exec(Fd fd, bool value);
  // execve(2).
  std::vector<FilePtr> remove_close_on_exec();
  std::vector<FilePtr> remove_all();
  // Open descriptors in ascending order, for /proc/self/fd.
  std::vector<Fd> list() const;
  // fork(2), unshare(2) CLONE_FILES.
  std::shared_ptr<FdTable> copy() const;

 private:
  struct Slot {
    FilePtr file;
    bool close_on_exec = false;
  };
  template <typename Wanted>
  std::vector<FilePtr> remove_if(std::size_t first, std::size_t last, Wanted wanted);

  struct Slots {
    std::vector<Slot> slots;
    std::size_t first_free = 0;  // no slot below is free
  };
  Guarded<Slots, LockLevel::kFdTable> slots_;
};

}  // namespace runsc
