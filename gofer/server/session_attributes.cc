// Attributes of inodes and file systems: getAttributes, setAttributes, statFileSystem, synchronize.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <limits>

#include "gofer/server/host_files.h"
#include "gofer/server/session.h"

namespace runsc::gofer {
namespace {

constexpr std::uint32_t kModeBits = 07777;
constexpr std::uint32_t kUnchanged = ~0U;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

Result<timespec> host_time(const TimeChange& change) {
  switch (change.kind) {
    case TimeChangeKind::kKeep:
      return timespec{0, UTIME_OMIT};
    case TimeChangeKind::kNow:
      return timespec{0, UTIME_NOW};
    case TimeChangeKind::kSet:
      break;
  }
  // Also keeps the special values UTIME_NOW and UTIME_OMIT out.
  if (change.time.nanoseconds >= kNanosecondsPerSecond) return Errno(EINVAL);
  return timespec{change.time.seconds, change.time.nanoseconds};
}

Result<void> change_times(int fd, const AttributeChange& change) {
  if (change.access.kind == TimeChangeKind::kKeep && change.modify.kind == TimeChangeKind::kKeep) return {};
  const timespec access = TRY(host_time(change.access));
  const timespec modify = TRY(host_time(change.modify));
  const timespec times[2] = {access, modify};
  return host_result(::utimensat(fd, "", times, AT_EMPTY_PATH));
}

}  // namespace

Result<ReplyBody> Session::handle(const GetAttributesRequest& request) {
  return describe(TRY(handles_.find(request.handle))->path.get());
}

Result<void> Session::change_size(const Node& node, std::uint64_t size) {
  if (node.type == S_IFDIR) return Errno(EISDIR);
  if (node.type != S_IFREG) return Errno(EINVAL);
  if (size > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return Errno(EINVAL);
  const UniqueFd file = TRY(reopen(config_.proc_self_fd, node.path.get(), O_WRONLY));
  return host_result(::ftruncate(file.get(), static_cast<off_t>(size)));
}

Result<ReplyBody> Session::handle(const SetAttributesRequest& request) {
  TRY(check_writable());
  const Node* node = TRY(handles_.find(request.handle));
  const int fd = node->path.get();
  const AttributeChange& change = request.change;
  if (change.mode && node->type == S_IFLNK) return Errno(EOPNOTSUPP);
  if (change.mode && (*change.mode & ~kModeBits) != 0) return Errno(EINVAL);
  // Before the mode: changing the owner clears the set-id bits.
  if (change.uid || change.gid) TRY(change_owner(fd, change.uid.value_or(kUnchanged), change.gid.value_or(kUnchanged)));
  if (change.mode) TRY(change_mode(config_.proc_self_fd, fd, *change.mode));
  if (change.size) TRY(change_size(*node, *change.size));
  TRY(change_times(fd, change));
  return describe(fd);
}

Result<ReplyBody> Session::handle(const StatFileSystemRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  struct statfs host {};
  TRY(host_result(::fstatfs(node->path.get(), &host)));
  FileSystemInfo info;
  info.type = static_cast<std::uint64_t>(host.f_type);
  info.block_size = static_cast<std::uint64_t>(host.f_bsize);
  info.blocks = host.f_blocks;
  info.blocks_free = host.f_bfree;
  info.blocks_available = host.f_bavail;
  info.files = host.f_files;
  info.files_free = host.f_ffree;
  info.name_length = static_cast<std::uint64_t>(host.f_namelen);
  info.fragment_size = static_cast<std::uint64_t>(host.f_frsize);
  info.flags = static_cast<std::uint64_t>(host.f_flags);
  info.id = static_cast<std::uint32_t>(host.f_fsid.__val[0]) |
            static_cast<std::uint64_t>(static_cast<std::uint32_t>(host.f_fsid.__val[1])) << 32;
  return ReplyBody(FileSystemReply{info});
}

Result<ReplyBody> Session::handle(const SynchronizeRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  if (node->type != S_IFREG && node->type != S_IFDIR) return Errno(EINVAL);
  const UniqueFd file = TRY(reopen(config_.proc_self_fd, node->path.get(), O_RDONLY));
  TRY(host_result(::fsync(file.get())));
  return ReplyBody(DoneReply{});
}

}  // namespace runsc::gofer
