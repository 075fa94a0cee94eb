#include "boot/vfs/file_claim.h"

#include <sys/stat.h>

namespace runsc {
namespace {

// Counts one more in the direction of `step`, unless others count in the other one.
bool count(std::atomic<int>& writers, int step) {
  int now = writers.load();
  do {
    if (now * step < 0) return false;
  } while (!writers.compare_exchange_weak(now, now + step));
  return true;
}

}  // namespace

Result<FileClaim> FileClaim::take(InodePtr inode, Kind kind) {
  if (kind == Kind::kNone || !S_ISREG(inode->type())) return FileClaim();
  if (kind == Kind::kWrite && !count(inode->claims().writers, 1)) return Errno(ETXTBSY);
  if (kind == Kind::kExecute && !count(inode->claims().writers, -1)) return Errno(ETXTBSY);
  if (kind == Kind::kRead) inode->claims().readers.fetch_add(1);
  return FileClaim(std::move(inode), kind);
}

FileClaim& FileClaim::operator=(FileClaim&& other) noexcept {
  if (this == &other) return *this;
  release();
  inode_ = std::move(other.inode_);
  kind_ = std::exchange(other.kind_, Kind::kNone);
  return *this;
}

void FileClaim::release() {
  switch (std::exchange(kind_, Kind::kNone)) {
    case Kind::kWrite:
      inode_->claims().writers.fetch_sub(1);
      break;
    case Kind::kExecute:
      inode_->claims().writers.fetch_add(1);
      break;
    case Kind::kRead:
      inode_->claims().readers.fetch_sub(1);
      break;
    case Kind::kNone:
      break;
  }
  inode_.reset();
}

}  // namespace runsc
