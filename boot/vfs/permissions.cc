#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

bool mode_allows(const Credentials& credentials, const FileAttributes& file, int may) {
  std::uint32_t bits = file.mode;
  if (credentials.fs_uid == file.uid)
    bits >>= 6;
  else if (credentials.in_group(file.gid))
    bits >>= 3;
  return (static_cast<int>(bits) & may) == may;
}

bool capability_allows(const Credentials& credentials, const FileAttributes& file, int may) {
  const bool only_looks = (may & kMayWrite) == 0 && (file.is_directory() || may == kMayRead);
  if (only_looks && credentials.has_over(CAP_DAC_READ_SEARCH, file.uid, file.gid)) return true;
  if (!credentials.has_over(CAP_DAC_OVERRIDE, file.uid, file.gid)) return false;
  // Nobody executes a file that nobody may execute.
  return file.is_directory() || (may & kMayExec) == 0 || (file.mode & 0111) != 0;
}

}  // namespace

Result<void> check_mode(const Credentials& credentials, const FileAttributes& file, int may) {
  if (mode_allows(credentials, file, may) || capability_allows(credentials, file, may)) return {};
  return Errno(EACCES);
}

bool owner_or_capable(const Credentials& credentials, const FileAttributes& file) {
  return credentials.fs_uid == file.uid || credentials.has_over(CAP_FOWNER, file.uid, file.gid);
}

bool sticky_forbids(const Credentials& credentials, const FileAttributes& directory, const FileAttributes& file) {
  if ((directory.mode & S_ISVTX) == 0) return false;
  if (credentials.fs_uid == file.uid || credentials.fs_uid == directory.uid) return false;
  return !credentials.has_over(CAP_FOWNER, file.uid, file.gid);
}

std::uint32_t without_set_id(const FileAttributes& file) {
  std::uint32_t mode = file.mode & ~static_cast<std::uint32_t>(S_ISUID);
  if ((mode & S_IXGRP) != 0) mode &= ~static_cast<std::uint32_t>(S_ISGID);
  return mode & 07777;
}

}  // namespace runsc
