#include "boot/fs/tmpfs/file_pages.h"

#include <algorithm>
#include <cstring>

namespace runsc {
namespace {

// What holes read as.
alignas(kPageSize) constexpr std::byte kZeros[64 * 1024] = {};

constexpr std::uint64_t page_of(std::uint64_t offset) { return offset / kPageSize; }
// Pages that [0, size) touches.
constexpr std::uint64_t pages_for(std::uint64_t size) { return (size + kPageSize - 1) / kPageSize; }

}  // namespace

FilePages::~FilePages() {
  for (const auto& [page, run] : runs_) memory_.free({run.offset, run.count * kPageSize});
  quota_.give_back(page_count_);
}

FilePages::Runs::const_iterator FilePages::find(std::uint64_t page) const {
  auto next = runs_.upper_bound(page);
  if (next == runs_.begin()) return next;
  const auto before = std::prev(next);
  return page < before->first + before->second.count ? before : next;
}

FilePages::Span FilePages::span_at(std::uint64_t page, std::uint64_t wanted) const {
  const auto it = find(page);
  if (it == runs_.end()) return {std::nullopt, wanted};
  if (it->first > page) return {std::nullopt, std::min(wanted, it->first - page)};
  const std::uint64_t skipped = page - it->first;
  return {it->second.offset + skipped * kPageSize, std::min(wanted, it->second.count - skipped)};
}

Result<std::size_t> FilePages::read(IoSink& sink, std::uint64_t offset) const {
  if (offset >= size_) return std::size_t{0};
  const std::size_t total = std::min<std::uint64_t>(sink.remaining(), size_ - offset);
  std::size_t done = 0;
  while (done < total) {
    const std::uint64_t at = offset + done;
    const std::uint64_t skip = at % kPageSize;
    const Span span = span_at(page_of(at), pages_for(skip + total - done));
    std::size_t length = std::min<std::uint64_t>(total - done, span.count * kPageSize - skip);
    if (!span.offset) length = std::min(length, sizeof kZeros);
    const std::byte* const bytes = span.offset ? memory_.at(*span.offset + skip) : kZeros;
    const auto put = sink.put(std::span(bytes, length));
    if (!put.ok()) {
      if (done != 0) break;
      return put.error();
    }
    done += *put;
    if (*put < length) break;
  }
  return done;
}

void FilePages::add_run(std::uint64_t page, MemoryFile::Extent extent) {
  const std::uint64_t count = extent.length / kPageSize;
  page_count_ += count;
  auto next = runs_.lower_bound(page);
  if (next != runs_.begin()) {
    auto& [before_page, before] = *std::prev(next);
    // Runs join only within one chunk: this process's mapping is contiguous only there.
    if (before_page + before.count == page && before.offset + before.count * kPageSize == extent.offset &&
        extent.offset % MemoryFile::kChunkSize != 0) {
      before.count += count;
      return;
    }
  }
  runs_.emplace_hint(next, page, Run{extent.offset, count});
}

Result<void> FilePages::fill_hole(std::uint64_t page, std::uint64_t count) {
  while (count != 0) {
    std::uint64_t hint = 0;
    if (const auto next = runs_.lower_bound(page); next != runs_.begin()) {
      const Run& before = std::prev(next)->second;
      hint = before.offset + before.count * kPageSize;
    }
    const std::uint64_t granted = quota_.take_up_to(count);
    if (granted == 0) return Errno(ENOSPC);
    const auto extent = memory_.allocate(granted * kPageSize, hint);
    const std::uint64_t got = extent.ok() ? extent->length / kPageSize : 0;
    quota_.give_back(granted - got);
    if (!extent.ok()) return extent.error();
    add_run(page, *extent);
    page += got;
    count -= got;
  }
  return {};
}

Result<void> FilePages::allocate(std::uint64_t offset, std::uint64_t length) {
  std::uint64_t page = page_of(offset);
  const std::uint64_t end = pages_for(offset + length);
  while (page < end) {
    const Span span = span_at(page, end - page);
    if (!span.offset) TRY(fill_hole(page, span.count));
    page += span.count;
  }
  return {};
}

// Writes within pages that exist.
Result<std::size_t> FilePages::write_run(IoSource& source, std::uint64_t offset, std::size_t length) {
  const std::uint64_t skip = offset % kPageSize;
  const Span span = span_at(page_of(offset), pages_for(skip + length));
  length = std::min<std::uint64_t>(length, span.count * kPageSize - skip);
  return source.take(std::span(memory_.at(*span.offset + skip), length));
}

Result<std::size_t> FilePages::write(IoSource& source, std::uint64_t offset) {
  std::uint64_t total = source.remaining();
  if (total == 0) return std::size_t{0};
  if (offset >= kMaxSize) return Errno(EFBIG);
  total = std::min(total, kMaxSize - offset);
  // All pages first: runs grow contiguously, and the copy is one host call.
  if (const auto allocated = allocate(offset, total); !allocated.ok()) {
    // What fits is written.
    std::uint64_t fits = 0;
    while (fits < total) {
      const std::uint64_t skip = (offset + fits) % kPageSize;
      const Span span = span_at(page_of(offset + fits), pages_for(skip + total - fits));
      if (!span.offset) break;
      fits = std::min(total, fits + span.count * kPageSize - skip);
    }
    if (fits == 0) return allocated.error();
    total = fits;
  }
  std::size_t done = 0;
  while (done < total) {
    const auto taken = write_run(source, offset + done, total - done);
    if (!taken.ok()) {
      if (done != 0) break;
      // Pages that were made for nothing go again.
      if (offset + total > size_ && !mapped_) drop_pages(pages_for(std::max(size_, offset)), pages_for(offset + total));
      return taken.error();
    }
    done += *taken;
    if (*taken == 0) break;
  }
  size_ = std::max(size_, offset + done);
  return done;
}

void FilePages::zero_bytes(std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const std::uint64_t skip = begin % kPageSize;
    const Span span = span_at(page_of(begin), pages_for(skip + end - begin));
    const std::uint64_t length = std::min(end - begin, span.count * kPageSize - skip);
    if (span.offset) std::memset(memory_.at(*span.offset + skip), 0, length);
    begin += length;
  }
}

// Empties the pages [first, last).
void FilePages::drop_pages(std::uint64_t first, std::uint64_t last) {
  auto it = runs_.lower_bound(find(first) == runs_.end() ? last : find(first)->first);
  while (it != runs_.end() && it->first < last) {
    const std::uint64_t page = it->first;
    const Run run = it->second;
    const std::uint64_t begin = std::max(page, first);
    const std::uint64_t end = std::min(page + run.count, last);
    const MemoryFile::Extent extent{run.offset + (begin - page) * kPageSize, (end - begin) * kPageSize};
    if (mapped_) {
      memory_.clear(extent);
      ++it;
      continue;
    }
    it = runs_.erase(it);
    if (begin > page) runs_.emplace(page, Run{run.offset, begin - page});
    if (end < page + run.count)
      it = runs_.emplace(end, Run{run.offset + (end - page) * kPageSize, page + run.count - end}).first;
    page_count_ -= end - begin;
    quota_.give_back(end - begin);
    memory_.free(extent);
  }
}

void FilePages::resize(std::uint64_t size) {
  if (size < size_) {
    drop_pages(pages_for(size), UINT64_MAX / kPageSize);
    if (size % kPageSize != 0) zero_bytes(size, (page_of(size) + 1) * kPageSize);
  } else if (mapped_ && size_ % kPageSize != 0) {
    // A mapping may have written behind the end, where the file reads as zeros.
    zero_bytes(size_, std::min(size, (page_of(size_) + 1) * kPageSize));
  }
  size_ = size;
}

void FilePages::punch(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = offset + length;
  const std::uint64_t first = pages_for(offset);
  const std::uint64_t last = page_of(end);
  if (first > last) {
    zero_bytes(offset, end);
    return;
  }
  zero_bytes(offset, first * kPageSize);
  zero_bytes(last * kPageSize, end);
  drop_pages(first, last);
}

Result<std::uint64_t> FilePages::seek_data(std::uint64_t offset) const {
  if (offset >= size_) return Errno(ENXIO);
  const auto it = find(page_of(offset));
  if (it == runs_.end()) return Errno(ENXIO);
  const std::uint64_t at = std::max(offset, it->first * kPageSize);
  if (at >= size_) return Errno(ENXIO);
  return at;
}

Result<std::uint64_t> FilePages::seek_hole(std::uint64_t offset) const {
  if (offset >= size_) return Errno(ENXIO);
  std::uint64_t page = page_of(offset);
  const std::uint64_t end = pages_for(size_);
  while (page < end) {
    const Span span = span_at(page, end - page);
    if (!span.offset) return std::max(offset, page * kPageSize);
    page += span.count;
  }
  return std::uint64_t{size_};
}

Result<FileMapping> FilePages::map(std::uint64_t offset, std::uint64_t length) {
  FileMapping mapping;
  const std::uint64_t end = pages_for(size_) * kPageSize;
  const std::uint64_t inside = offset < end ? std::min(length, end - offset) : 0;
  if (inside != 0) {
    if (!allocate(offset, inside).ok()) return Errno(ENOMEM);
    mapped_ = true;
  }
  std::uint64_t page = page_of(offset);
  const std::uint64_t last = page_of(offset + inside);
  while (page < last) {
    const Span span = span_at(page, last - page);
    mapping.segments.push_back({memory_.fd(), *span.offset, span.count * kPageSize});
    page += span.count;
  }
  if (inside < length) mapping.segments.push_back({-1, 0, length - inside});
  return mapping;
}

}  // namespace runsc
