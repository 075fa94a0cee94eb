#include "boot/fs/proc/process_memory_file.h"

#include <algorithm>
#include <array>

#include "boot/base/checked.h"
#include "boot/memory/forced_copy.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr std::size_t kChunk = 16 << 10;

// The file offset is the address. It stays with the address space that the process had when it was opened, and shows
// nothing once that has ended (the weak pointer: an open file must not keep the memory of a dead process).
class MemoryContentFile : public FileDescription {
 public:
  MemoryContentFile(VfsPath path, OpenFlags flags, InodePtr inode, std::weak_ptr<MemoryManager> memory)
      : FileDescription(std::move(path), flags), inode_(std::move(inode)), memory_(std::move(memory)) {}

  InodePtr inode() const override { return inode_; }

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int) override {
    return at_position(offset,
                       [&](MemoryManager& memory, std::uint64_t address) { return copy_out(memory, sink, address); });
  }

  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int) override {
    return at_position(offset,
                       [&](MemoryManager& memory, std::uint64_t address) { return copy_in(memory, source, address); });
  }

  // Addresses of the upper half are offsets, too: nothing is negative here.
  Result<std::int64_t> seek(std::int64_t offset, int whence) override {
    auto position = position_.lock();
    if (whence == SEEK_CUR) offset = static_cast<std::int64_t>(position->offset + static_cast<std::uint64_t>(offset));
    if (whence != SEEK_SET && whence != SEEK_CUR) return Errno(EINVAL);
    position->offset = static_cast<std::uint64_t>(offset);
    return offset;
  }

 private:
  template <typename Copy>
  Result<std::size_t> at_position(std::optional<std::uint64_t> offset, Copy copy) {
    const auto memory = memory_.lock();
    if (!memory) return std::size_t{0};
    if (offset) return copy(*memory, *offset);
    const std::uint64_t address = position_.lock()->offset;
    const std::size_t count = TRY(copy(*memory, address));
    position_.lock()->offset = address + count;
    return count;
  }

  static Result<std::size_t> copy_out(MemoryManager& memory, IoSink& sink, std::uint64_t address) {
    std::array<std::byte, kChunk> buffer;
    std::size_t done = 0;
    while (sink.remaining() != 0) {
      const auto piece = std::span(buffer).first(std::min(sink.remaining(), kChunk));
      const Result<std::size_t> got = forced_read(memory, address + done, piece);
      if (!got.ok() && done == 0) return Errno(EIO);
      const Result<std::size_t> put = got.ok() ? sink.put(piece.first(*got)) : got;
      if (!put.ok() && done == 0) return put;
      if (!put.ok()) break;
      done += *put;
      if (*put < piece.size()) break;
    }
    return done;
  }

  // Text without PROT_WRITE is written too (a debugger's breakpoint).
  static Result<std::size_t> copy_in(MemoryManager& memory, IoSource& source, std::uint64_t address) {
    std::array<std::byte, kChunk> buffer;
    std::size_t done = 0;
    while (source.remaining() != 0) {
      const auto piece = std::span(buffer).first(std::min(source.remaining(), kChunk));
      const Result<std::size_t> taken = source.take(piece);
      if (!taken.ok()) return done != 0 ? Result<std::size_t>(done) : taken;
      const auto bytes = piece.first(*taken);
      const Result<std::size_t> written = forced_write(memory, address + done, bytes);
      if (!written.ok()) return done != 0 ? Result<std::size_t>(done) : Result<std::size_t>(Errno(EIO));
      done += *written;
      if (*written < bytes.size()) break;
    }
    return done;
  }

  const InodePtr inode_;
  const std::weak_ptr<MemoryManager> memory_;
};

class MemoryContentInode : public ProcessInode<PseudoInode> {
 public:
  MemoryContentInode(ProcFileSystem& file_system, ProcessRef ref)
      : ProcessInode(file_system, std::move(ref), S_IFREG | 0600, true) {}

  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override {
    const auto memory = TRY(ref().task())->memory();
    return FilePtr(std::make_shared<MemoryContentFile>(path, flags, shared_from_this(), memory));
  }
};

}  // namespace

InodePtr make_mem_file(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<MemoryContentInode>(file_system, ref);
}

}  // namespace runsc
