// The contents of one regular file of tmpfs: which pages of the file lie where in the MemoryFile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "boot/base/result.h"
#include "boot/fs/tmpfs/space.h"
#include "boot/memory/memory_file.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/io.h"

namespace runsc {

// Not thread-safe: the inode's lock guards it. Sizes and offsets are in bytes, at most kMaxSize.
//
// Once pages were mapped into an application they stay this file's until it ends: a truncated or punched page is
// cleared but not given to another file, for a mapping of it may still exist.
class FilePages {
 public:
  static constexpr std::uint64_t kMaxSize = 0x7ffffffffffff000;

  FilePages(MemoryFile& memory, Quota& pages) : memory_(memory), quota_(pages) {}
  ~FilePages();
  FilePages(const FilePages&) = delete;
  FilePages& operator=(const FilePages&) = delete;

  std::uint64_t size() const { return size_; }
  // Pages that hold data, for st_blocks.
  std::uint64_t page_count() const { return page_count_; }

  Result<std::size_t> read(IoSink& sink, std::uint64_t offset) const;
  // Grows the file. ENOSPC, EFBIG, EFAULT when nothing could be written; else the count, which may be short.
  Result<std::size_t> write(IoSource& source, std::uint64_t offset);
  void resize(std::uint64_t size);
  // Gives pages to holes in the range, which may lie behind the end of the file. ENOSPC: nothing changed for good.
  Result<void> allocate(std::uint64_t offset, std::uint64_t length);
  // Makes the range a hole (FALLOC_FL_PUNCH_HOLE).
  void punch(std::uint64_t offset, std::uint64_t length);
  // SEEK_DATA, SEEK_HOLE. ENXIO.
  Result<std::uint64_t> seek_data(std::uint64_t offset) const;
  Result<std::uint64_t> seek_hole(std::uint64_t offset) const;
  // Page-aligned. Holes below the end of the file get pages first. ENOMEM.
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length);

 private:
  // `count` pages of the file, beginning with the key of the map, lie at `offset` of the memory file.
  struct Run {
    std::uint64_t offset;
    std::uint64_t count;
  };
  using Runs = std::map<std::uint64_t, Run>;

  // The run that holds `page`, or the next one behind it.
  Runs::const_iterator find(std::uint64_t page) const;
  // How many of `wanted` pages from `page` on lie contiguously, and where; a hole has no place.
  struct Span {
    std::optional<std::uint64_t> offset;
    std::uint64_t count;
  };
  Span span_at(std::uint64_t page, std::uint64_t wanted) const;
  Result<void> fill_hole(std::uint64_t page, std::uint64_t count);
  void add_run(std::uint64_t page, MemoryFile::Extent extent);
  void drop_pages(std::uint64_t first, std::uint64_t last);
  void zero_bytes(std::uint64_t begin, std::uint64_t end);
  Result<std::size_t> write_run(IoSource& source, std::uint64_t offset, std::size_t length);

  MemoryFile& memory_;
  Quota& quota_;
  Runs runs_;
  std::uint64_t size_ = 0;
  std::uint64_t page_count_ = 0;
  bool mapped_ = false;
};

}  // namespace runsc
