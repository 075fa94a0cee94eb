#include "gofer/client/validate.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <limits>

#include "gofer/protocol/names.h"

namespace runsc::gofer {
namespace {

constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

Result<void> require(bool truth) {
  if (!truth) return Errno(EPROTO);
  return {};
}

bool known_type(std::uint32_t type) {
  switch (type) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK:
      return true;
    default:
      return false;
  }
}

bool normalised(const Timestamp& time) { return time.nanoseconds < kNanosecondsPerSecond; }

}  // namespace

Result<void> check_attributes(const FileAttributes& attributes) {
  TRY(require(known_type(attributes.type()) && (attributes.mode & ~(S_IFMT | 07777U)) == 0));
  TRY(require(attributes.watch == 0 || (attributes.watch > 0 && attributes.is_directory())));
  TRY(require(attributes.size <= static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())));
  return require(normalised(attributes.access) && normalised(attributes.modify) && normalised(attributes.change) &&
                 normalised(attributes.birth));
}

Result<void> check_walked(const WalkedReply& reply, std::size_t names) {
  TRY(require(reply.nodes.size() <= names && (reply.error == 0) == (reply.nodes.size() == names)));
  for (std::size_t i = 0; i < reply.nodes.size(); ++i) {
    TRY(check_attributes(reply.nodes[i]));
    TRY(require(reply.nodes[i].is_directory() || i + 1 == reply.nodes.size()));
  }
  return {};
}

Result<void> check_entries(const EntriesReply& reply, std::uint64_t cookie) {
  for (const DirectoryEntry& entry : reply.entries)
    TRY(require(check_component(entry.name).ok() && entry.type <= DT_WHT));
  return require(reply.end || reply.next_cookie != cookie);
}

Result<void> check_link_target(std::string_view target) {
  return require(!target.empty() && target.size() <= kMaxLinkTarget &&
                 std::memchr(target.data(), '\0', target.size()) == nullptr);
}

Result<void> check_descriptor(int fd, std::uint32_t type, int flags) {
  struct stat status {};
  TRY(require(fd >= 0 && ::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type));
  const int actual = ::fcntl(fd, F_GETFL);
  return require(actual >= 0 && (actual & O_PATH) == 0 && (actual & O_ACCMODE) == (flags & O_ACCMODE));
}

Result<void> check_held(int fd, const FileAttributes& attributes) {
  struct stat status {};
  TRY(require(fd >= 0 && ::fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode)));
  TRY(require(status.st_ino == attributes.inode && (status.st_mode & S_IFMT) == attributes.type()));
  const int actual = ::fcntl(fd, F_GETFL);
  return require(actual >= 0 && (actual & O_PATH) != 0);
}

Result<void> check_change_queue(int fd) {
  // No type: an object of the host kernel's own, as no file system has. Other such objects that are non-blocking do no
  // harm: what they give to read is taken for events of a gofer that lies anyway.
  struct stat status {};
  TRY(require(fd >= 0 && ::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == 0));
  const int flags = ::fcntl(fd, F_GETFL);
  return require(flags >= 0 && (flags & O_NONBLOCK) != 0);
}

}  // namespace runsc::gofer
