// FileDescription: an open file (open(2)), which descriptors of several tasks may share.
//
// Nothing here blocks: an operation that would have to wait returns EAGAIN whatever O_NONBLOCK says, and boot/syscalls
// waits on the wait queue and tries again (boot/syscalls/blocking_io.h). Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/kernel/wait_queue.h"
#include "boot/vfs/file_claim.h"
#include "boot/vfs/file_mappers.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/io.h"

namespace runsc {

// Receives directory entries in getdents64(2). Returns false when the entry did not fit; the file keeps its position
// before that entry.
class DirectorySink {
 public:
  virtual ~DirectorySink() = default;
  // `next` is what lseek() accepts to continue behind this entry (d_off); `type` is DT_*.
  virtual bool add(std::string_view name, std::uint64_t inode, std::uint8_t type, std::int64_t next) = 0;
};

// Where the pages of a file lie, for mmap(2): host descriptors that the platform maps directly. The pages belong to the
// file for as long as the FileDescription lives: whoever mapped them keeps it until the host mapping is really gone.
struct FileMapping {
  struct Segment {
    int fd = -1;  // borrowed from the file, which the VMA keeps alive; -1: beyond the end of the file, where an access
                  // gives SIGBUS (mapped PROT_NONE, and looked at again when it faults: the file may have grown)
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  std::vector<Segment> segments;  // in order; together as long as the request
  // What the file counts mappings by (F_SEAL_WRITE); the VMA keeps it as long as it exists. May be null.
  std::shared_ptr<void> pin{};
  // Whom the address space tells that it maps the file. Null: the host knows where the file ends.
  std::shared_ptr<FileMappers> mappers{};
};

class FileDescription : public std::enable_shared_from_this<FileDescription> {
 public:
  // `path` may be empty for objects that no path leads to (pipes); inode() is then null unless overridden.
  FileDescription(VfsPath path, OpenFlags flags);
  virtual ~FileDescription();
  FileDescription(const FileDescription&) = delete;
  FileDescription& operator=(const FileDescription&) = delete;

  const VfsPath& path() const { return path_; }
  virtual InodePtr inode() const;
  // F_GETFL; only O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME, O_NONBLOCK change (F_SETFL).
  OpenFlags flags() const { return {flags_.load(std::memory_order_relaxed)}; }
  virtual Result<void> set_flags(int changed_flags);

  // What /proc/self/fd/N shows for objects without a path, such as "pipe:[12]" or "anon_inode:[eventfd]".
  virtual std::string anonymous_name() const { return "anon_inode:[file]"; }
  virtual Result<FileAttributes> attributes();  // of inode()
  // Another open file of the same object, for files without a path or inode that are opened through a magic link
  // (/dev/stdout, /proc/self/fd/N). ENXIO: it can be opened once only.
  virtual Result<std::shared_ptr<FileDescription>> reopen(OpenFlags) { return Errno(ENXIO); }

  // Reads at `offset` (pread), or at the file position, which advances, when it is empty. `rwf`: RWF_* of preadv2(2).
  // Files without positions return ESPIPE for an offset.
  virtual Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf);  // EINVAL
  virtual Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf);
  // Terminals end a read that waits at a time of their own (VTIME of termios(3)): when, for a read that began at
  // `started_ns` (CLOCK_MONOTONIC), as things are now; and what the read then gives.
  virtual OptionalDeadline read_deadline(std::int64_t) { return std::nullopt; }
  virtual Result<std::size_t> read_at_deadline(IoSink&) { return std::size_t{0}; }
  virtual Result<std::int64_t> seek(std::int64_t offset, int whence);                                    // ESPIPE
  virtual Result<void> read_directory(DirectorySink& sink);                                              // ENOTDIR
  virtual Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument);  // ENOTTY
  virtual Result<void> truncate(std::uint64_t size);
  virtual Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length);  // fallocate; ENODEV
  virtual Result<void> sync(bool data_only);                                            // EINVAL
  virtual Result<void> sync_range(std::uint64_t offset, std::uint64_t length, unsigned flags);

  // `shared_writable`: a MAP_SHARED mapping that may become writable. ENODEV: cannot be mapped.
  virtual Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable);

  // poll(2). The default is what regular files have: always ready, never a change.
  virtual EventMask readiness(EventMask interest);
  virtual WaitQueue* wait_queue() { return nullptr; }
  // Whether epoll accepts it (EPERM for regular files and directories).
  virtual bool pollable() { return wait_queue() != nullptr; }

  // close(2) of one descriptor (not the last reference): POSIX locks are dropped by the caller; errors are reported.
  virtual Result<void> flush() { return {}; }

  // A host descriptor with the same bytes at the same offsets, for splice-like transfers; -1: none. Borrowed.
  virtual int host_fd() const { return -1; }

  // F_SETOWN, F_SETSIG.
  struct AsyncOwner {
    int type = 0;  // F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP
    int id = 0;
    int signal = 0;
    Uid uid{}, effective_uid{};
  };
  // A file seals itself: F_GET_SEALS and F_ADD_SEALS of fcntl(2). EINVAL: not that kind of file.
  virtual Result<int> seals() { return Errno(EINVAL); }
  virtual Result<void> add_seals(int) { return Errno(EINVAL); }

  AsyncOwner async_owner() const;
  void set_async_owner(const AsyncOwner& owner);

  // How this description uses its regular file; replaces what it held. Before anybody else knows of it, or, for a file
  // that execve(2) has read, by the thread that did so.
  void set_claim(FileClaim claim) { claim_ = std::move(claim); }

  // Somebody is to be told about inode() in the name of this description, which ends with it: F_SETLEASE, F_NOTIFY.
  void set_has_notices() { has_notices_.store(true, std::memory_order_release); }

  // The locks of inode(), which this description may now hold (flock and OFD locks): they are released at its end.
  // EBADF: no inode.
  Result<FileLocks*> locks();

 protected:
  // The position lock: read, write and seek at the position hold it (POSIX demands atomicity between threads).
  struct Position {
    std::uint64_t offset = 0;
  };
  Guarded<Position, LockLevel::kFile> position_;
  std::atomic<int> flags_;

 private:
  VfsPath path_;
  Guarded<AsyncOwner, LockLevel::kLeaf> async_owner_;
  Guarded<InodePtr, LockLevel::kLeaf> locked_inode_;
  std::atomic<bool> has_locked_inode_{false};
  std::atomic<bool> has_notices_{false};
  FileClaim claim_;
};

}  // namespace runsc
