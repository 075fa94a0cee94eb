// Copy-up: what makes an object of the lower layer changeable.
#include <algorithm>
#include <vector>

#include "boot/fs/overlay/overlay_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {
namespace {

constexpr std::size_t kPiece = 256 * 1024;

bool all_zeros(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<void> write_fully(FileDescription& to, std::span<const std::byte> bytes, std::uint64_t offset) {
  BufferSource source(bytes);
  if (TRY(to.write(source, offset, 0)) != bytes.size()) return Errno(ENOSPC);
  return {};
}

AttributeChange::Time exactly(const timespec& time) { return {false, time}; }

}  // namespace

Result<void> OverlayInode::copy_up(std::uint64_t data_limit) {
  if (published_upper_.load(std::memory_order_acquire) != nullptr) return {};
  const std::unique_lock lock(copy_up_);
  if (published_upper_.load(std::memory_order_acquire) != nullptr) return {};
  const FileAttributes file = TRY(lower_->attributes());
  const InodePtr upper = TRY(overlay().make_upper({file.mode & 07777, file.uid, file.gid}));
  if (S_ISREG(type_)) TRY(copy_data(upper, std::min(data_limit, file.size)));
  TRY(copy_xattrs(*upper));
  AttributeChange times;
  times.access_time = exactly(file.access_time);
  times.modify_time = exactly(file.modify_time);
  TRY(upper->set_attributes(times));
  // The number stays. The names that other hard links of the lower layer are stay with the old contents.
  number_.store(file.inode, std::memory_order_relaxed);
  if (links_.load() < 0) links_.store(1);
  upper_ = upper;
  published_upper_.store(upper_.get(), std::memory_order_release);
  keep(overlay().lock_tree());
  return {};
}

Result<void> OverlayInode::copy_data(const InodePtr& upper, std::uint64_t limit) const {
  if (limit == 0) return {};
  const FilePtr from = TRY(overlay().open_lower(lower_, {O_RDONLY}));
  const FilePtr to = TRY(overlay().open_upper(upper, {O_RDWR}));
  std::vector<std::byte> buffer(std::min<std::uint64_t>(limit, kPiece));
  std::uint64_t done = 0;
  while (done < limit) {
    BufferSink sink{std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), limit - done))};
    const std::size_t got = TRY(from->read(sink, done, 0));
    if (got == 0) break;
    const auto piece = std::span(std::as_const(buffer)).first(got);
    // Holes stay holes.
    if (!all_zeros(piece)) TRY(write_fully(*to, piece, done));
    done += got;
  }
  return to->truncate(done);
}

Result<void> OverlayInode::copy_xattrs(Inode& upper) const {
  const auto names = lower_->list_xattrs();
  if (!names.ok()) return {};
  for (const std::string& name : *names) {
    const auto value = lower_->get_xattr(name);
    if (value.ok()) TRY(upper.set_xattr(name, *value, 0));
  }
  return {};
}

}  // namespace runsc
