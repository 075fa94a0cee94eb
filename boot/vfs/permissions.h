// Permission checks as Linux makes them (path_resolution(7), credentials(7)).
#pragma once

#include "boot/base/result.h"
#include "boot/kernel/credentials.h"
#include "boot/vfs/attributes.h"

namespace runsc {

inline constexpr int kMayExec = 1;  // search, for directories
inline constexpr int kMayWrite = 2;
inline constexpr int kMayRead = 4;

// EACCES unless `credentials` (file system ids, capabilities DAC_OVERRIDE and DAC_READ_SEARCH) allow all of `may`.
Result<void> check_mode(const Credentials& credentials, const FileAttributes& file, int may);
// Whether the caller owns the file or has CAP_FOWNER.
bool owner_or_capable(const Credentials& credentials, const FileAttributes& file);
// Whether a sticky directory keeps the caller from removing `file` in it.
bool sticky_forbids(const Credentials& credentials, const FileAttributes& directory, const FileAttributes& file);

// The permissions of a file that is written, or changes hands: it must not run with its owner's rights any more. Equal
// to the present ones when there is nothing to drop.
std::uint32_t without_set_id(const FileAttributes& file);

}  // namespace runsc
