// Copies between descriptors without a buffer of the application: sendfile(2), copy_file_range(2).
#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"
#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

constexpr std::size_t kPiece = 256 * 1024;

// A position in a file, for a transfer: given by the application, or the file's own, which moves at the end.
class TransferOffset {
 public:
  static Result<TransferOffset> begin(CurrentTask& task, FileDescription& file, UserInOut<std::int64_t> pointer) {
    const std::int64_t at = pointer ? TRY(task.read(pointer.in())) : TRY(file.seek(0, SEEK_CUR));
    if (at < 0) return Errno(EINVAL);
    return TransferOffset(pointer, at);
  }
  std::uint64_t at() const { return at_; }
  Result<void> finish(CurrentTask& task, FileDescription& file, std::size_t moved) const {
    const std::int64_t end = static_cast<std::int64_t>(at_ + moved);
    if (pointer_) return task.write(pointer_.out(), end);
    TRY(file.seek(end, SEEK_SET));
    return {};
  }

 private:
  TransferOffset(UserInOut<std::int64_t> pointer, std::uint64_t at) : pointer_(pointer), at_(at) {}
  UserInOut<std::int64_t> pointer_;
  std::uint64_t at_;
};

// Copies up to `count` bytes that begin at `from_at`. `to_at` empty: to where `to` stands, or to a stream.
Result<std::size_t> copy(CurrentTask& task, FileDescription& from, std::uint64_t from_at, FileDescription& to,
                         std::optional<std::uint64_t> to_at, std::size_t count) {
  std::vector<std::byte> bytes(std::min(count, kPiece));
  std::size_t done = 0;
  while (done < count) {
    BufferSink sink{std::span(bytes).first(std::min(bytes.size(), count - done))};
    const auto got = read_file(task, from, sink, from_at + done, 0);
    if (!got.ok() || *got == 0) {
      if (got.ok() || done != 0) break;
      return got.error();
    }
    BufferSource source{std::span(std::as_const(bytes)).first(*got)};
    const auto put = write_file(task, to, source, to_at ? std::optional(*to_at + done) : std::nullopt, 0);
    if (!put.ok()) {
      if (done != 0) break;
      return put.error();
    }
    done += *put;
    if (*put < *got) break;
  }
  return done;
}

Result<void> check_copy_range(FileDescription& from, FileDescription& to) {
  const std::uint32_t from_type = TRY(from.attributes()).type();
  const std::uint32_t to_type = TRY(to.attributes()).type();
  if (S_ISDIR(from_type) || S_ISDIR(to_type)) return Errno(EISDIR);
  if (!S_ISREG(from_type) || !S_ISREG(to_type)) return Errno(EINVAL);
  if (to.flags().append()) return Errno(EBADF);
  return {};
}

bool overlap(std::uint64_t a, std::uint64_t b, std::size_t count) { return a < b + count && b < a + count; }

}  // namespace

Result<long> sys_sendfile(CurrentTask& task, Fd out, Fd in, UserInOut<std::int64_t> offset, std::size_t count) {
  const FilePtr from = TRY(readable_file(task, in));
  if (from->wait_queue() != nullptr || S_ISDIR(TRY(from->attributes()).type()))
    return Errno(offset && from->wait_queue() != nullptr ? ESPIPE : EINVAL);
  const FilePtr to = TRY(writable_file(task, out));
  if (to->flags().append()) return Errno(EINVAL);
  const TransferOffset at = TRY(TransferOffset::begin(task, *from, offset));
  const std::size_t moved = TRY(copy(task, *from, at.at(), *to, std::nullopt, std::min(count, kMaxTransfer)));
  TRY(at.finish(task, *from, moved));
  return static_cast<long>(moved);
}

Result<long> sys_copy_file_range(CurrentTask& task, Fd in, UserInOut<std::int64_t> in_offset, Fd out,
                                 UserInOut<std::int64_t> out_offset, std::size_t count, unsigned flags) {
  if (flags != 0) return Errno(EINVAL);
  const FilePtr from = TRY(readable_file(task, in));
  const FilePtr to = TRY(writable_file(task, out));
  TRY(check_copy_range(*from, *to));
  const TransferOffset from_at = TRY(TransferOffset::begin(task, *from, in_offset));
  const TransferOffset to_at = TRY(TransferOffset::begin(task, *to, out_offset));
  count = std::min(count, kMaxTransfer);
  if (from->inode() == to->inode() && overlap(from_at.at(), to_at.at(), count)) return Errno(EINVAL);
  const std::size_t moved = TRY(copy(task, *from, from_at.at(), *to, to_at.at(), count));
  TRY(from_at.finish(task, *from, moved));
  TRY(to_at.finish(task, *to, moved));
  return static_cast<long>(moved);
}

}  // namespace runsc
