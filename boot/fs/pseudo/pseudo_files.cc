#include "boot/fs/pseudo/pseudo_files.h"

#include <dirent.h>

#include "boot/base/checked.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

// No file here takes more.
constexpr std::size_t kLongestStore = 64 << 10;

std::string_view without_newline(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

std::uint64_t inode_number(const DentryPtr& dentry) {
  const InodePtr inode = dentry ? dentry->inode() : nullptr;
  if (!inode) return 1;
  const Result<FileAttributes> attributes = inode->attributes();
  return attributes.ok() ? attributes->inode : 1;
}

}  // namespace

// The text is made without the position's lock: making it may take locks of any level.
Result<void> TextFile::refresh(std::uint64_t offset) {
  if (offset != 0) {
    auto snapshot = snapshot_.lock();
    if (snapshot->has_value()) return {};
  }
  std::optional<std::string> text = TRY(inode_->text());
  snapshot_.lock()->swap(text);
  return {};
}

Result<std::size_t> TextFile::copy(IoSink& sink, std::uint64_t offset) {
  const std::optional<std::string> text = *snapshot_.lock();
  if (!text || offset >= text->size()) return std::size_t{0};
  return sink.put(std::as_bytes(std::span(*text)).subspan(offset));
}

Result<std::size_t> TextFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  std::uint64_t from = offset.value_or(0);
  if (!offset) from = position_.lock()->offset;
  TRY(refresh(from));
  if (offset) return copy(sink, *offset);
  auto position = position_.lock();
  const std::size_t count = TRY(copy(sink, position->offset));
  position->offset += count;
  return count;
}

Result<std::size_t> TextFile::write(IoSource& source, std::optional<std::uint64_t>, int) {
  const std::size_t length = source.remaining();
  if (length > kLongestStore) return Errno(EINVAL);
  std::string text(length, '\0');
  const std::size_t count = TRY(source.take(std::as_writable_bytes(std::span(text))));
  text.resize(count);
  TRY(inode_->store(without_newline(text)));
  return count;
}

Result<std::int64_t> TextFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence != SEEK_SET && whence != SEEK_CUR) return Errno(EINVAL);
  const auto target = checked_add(whence == SEEK_CUR ? static_cast<std::int64_t>(position->offset) : 0, offset);
  if (!target || *target < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(*target);
  return *target;
}

// Positions: 0 ".", 1 "..", then the index of an entry plus 2.
Result<void> PseudoDirectoryFile::read_directory(DirectorySink& sink) {
  auto position = position_.lock();
  if (position->offset == 0) {
    entries_ = inode_->list();
    if (!sink.add(".", inode_number(path().dentry), DT_DIR, 1)) return {};
    position->offset = 1;
  }
  if (position->offset == 1) {
    const DentryPtr parent = path().dentry->parent();
    if (!sink.add("..", inode_number(parent ? parent : path().dentry), DT_DIR, 2)) return {};
    position->offset = 2;
  }
  while (position->offset - 2 < entries_.size()) {
    const PseudoEntry& entry = entries_[position->offset - 2];
    // The true number would need the inode; programs use it only as a hint that the entry exists.
    if (!sink.add(entry.name, position->offset + 1, entry.type, static_cast<std::int64_t>(position->offset + 1)))
      return {};
    ++position->offset;
  }
  return {};
}

Result<std::int64_t> PseudoDirectoryFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence == SEEK_CUR && offset == 0) return static_cast<std::int64_t>(position->offset);
  if (whence != SEEK_SET || offset < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(offset);
  return offset;
}

}  // namespace runsc
