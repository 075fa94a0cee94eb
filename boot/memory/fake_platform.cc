#include "boot/memory/fake_platform.h"

#include <sys/mman.h>

#include "boot/base/checked.h"

namespace runsc {
namespace {

// A record per page has its price.
constexpr std::uint64_t kMost = 1 << 28;

}  // namespace

FakePlatform::FakePlatform() {
  layout_.task_size = 0x7ffffffff000;
  layout_.reserved_start = 0x7fff00000000;
  layout_.reserved_end = 0x7fff10000000;
  layout_.vvar = 0x7ffe00000000;
  layout_.vvar_size = 0x4000;
  layout_.vdso = 0x7ffe00004000;
  layout_.vdso_size = 0x2000;
}

Result<std::unique_ptr<AddressSpace>> FakePlatform::new_address_space(Birthplace*) {
  return std::unique_ptr<AddressSpace>(std::make_unique<FakeAddressSpace>(layout_));
}

Result<void> FakeAddressSpace::check(std::uint64_t address, std::uint64_t length) {
  ++calls;
  if (fail_after >= 0 && calls > fail_after) return Errno(ENOMEM);
  if (!page_aligned(address) || !page_aligned(length) || length == 0) return Errno(EINVAL);
  const auto clear_of = [&](std::uint64_t start, std::uint64_t end) {
    return address + length <= start || address >= end;
  };
  if (address + length > layout_.task_size || !clear_of(layout_.reserved_start, layout_.reserved_end) ||
      !clear_of(layout_.vdso, layout_.vdso + layout_.vdso_size) ||
      !clear_of(layout_.vvar, layout_.vvar + layout_.vvar_size))
    return Errno(ENOMEM);
  return {};
}

bool FakeAddressSpace::mapped(std::uint64_t address, std::uint64_t length) const {
  for (std::uint64_t page = address / kPageSize; page < (address + length) / kPageSize; ++page)
    if (!pages_.contains(page)) return false;
  return true;
}

Result<void> FakeAddressSpace::map(std::uint64_t address, std::uint64_t length, int prot, const MapOptions& options,
                                   int fd, std::uint64_t offset) {
  TRY(check(address, length));
  if (length > kMost) return Errno(ENOMEM);
  for (std::uint64_t i = 0; i < length / kPageSize; ++i) {
    pages_[address / kPageSize + i] = {prot, options.sharing == Sharing::kShared, fd,
                                       fd < 0 ? 0 : offset / kPageSize + i};
  }
  contents_.erase(contents_.lower_bound(address), contents_.lower_bound(address + length));
  return {};
}

Result<void> FakeAddressSpace::map_all(std::span<const Mapping> mappings) {
  const int before = calls;
  for (const Mapping& each : mappings)
    TRY(map(each.address, each.length, each.prot, each.options, each.fd, each.offset));
  calls = before + 1;
  return {};
}

Result<void> FakeAddressSpace::unmap(std::uint64_t address, std::uint64_t length) {
  TRY(check(address, length));
  pages_.erase(pages_.lower_bound(address / kPageSize), pages_.lower_bound((address + length) / kPageSize));
  contents_.erase(contents_.lower_bound(address), contents_.lower_bound(address + length));
  return {};
}

Result<void> FakeAddressSpace::protect(std::uint64_t address, std::uint64_t length, int prot) {
  TRY(check(address, length));
  if (!mapped(address, length)) return Errno(ENOMEM);
  for (std::uint64_t i = 0; i < length / kPageSize; ++i) pages_[address / kPageSize + i].protection = prot;
  return {};
}

Result<void> FakeAddressSpace::remap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length,
                                     int flags, std::uint64_t new_address) {
  TRY(check(old_address, old_length));
  TRY(check(new_address, new_length));
  if (!mapped(old_address, old_length)) return Errno(EFAULT);
  for (const std::uint64_t cut : cuts)
    if (old_address / kPageSize < cut && cut < (old_address + old_length) / kPageSize) return Errno(EFAULT);
  Pages moved;
  for (std::uint64_t i = 0; i < new_length / kPageSize; ++i) {
    const auto from = pages_.find(old_address / kPageSize + std::min(i, old_length / kPageSize - 1));
    FakePage page = from->second;
    if (i >= old_length / kPageSize && page.fd >= 0) page.file_page += i - (old_length / kPageSize - 1);
    moved[new_address / kPageSize + i] = page;
  }
  if ((flags & MREMAP_DONTUNMAP) == 0)
    pages_.erase(pages_.lower_bound(old_address / kPageSize),
                 pages_.lower_bound((old_address + old_length) / kPageSize));
  for (const auto& [page, what] : moved) pages_[page] = what;
  return {};
}

Result<void> FakeAddressSpace::advise(std::uint64_t address, std::uint64_t length, int) {
  TRY(check(address, length));
  if (!mapped(address, length)) return Errno(ENOMEM);
  return {};
}

Result<void> FakeAddressSpace::sync(std::uint64_t address, std::uint64_t length, int) { return check(address, length); }

Result<std::vector<std::uint8_t>> FakeAddressSpace::resident(std::uint64_t address, std::uint64_t length) {
  TRY(check(address, length));
  return std::vector<std::uint8_t>(length / kPageSize, 1);
}

Result<std::size_t> FakeAddressSpace::read(std::uint64_t address, std::span<std::byte> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!pages_.contains((address + i) / kPageSize)) return i != 0 ? Result<std::size_t>(i) : Errno(EFAULT);
    const auto found = contents_.find(address + i);
    to[i] = found == contents_.end() ? std::byte{} : found->second;
  }
  return to.size();
}

Result<std::size_t> FakeAddressSpace::write(std::uint64_t address, std::span<const std::byte> from) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto page = pages_.find((address + i) / kPageSize);
    if (page == pages_.end() || (page->second.protection & PROT_WRITE) == 0)
      return i != 0 ? Result<std::size_t>(i) : Errno(EFAULT);
    contents_[address + i] = from[i];
  }
  return from.size();
}

Result<std::size_t> FakeAddressSpace::writev(std::span<const Range> ranges, std::span<const std::byte> from) {
  std::size_t total = 0;
  for (const Range& range : ranges) {
    const std::size_t done = TRY(write(range.address, from.subspan(total, range.length)));
    total += done;
    if (done < range.length) break;
  }
  return total;
}

Result<std::unique_ptr<AddressSpace>> FakeAddressSpace::fork() {
  auto copy = std::make_unique<FakeAddressSpace>(layout_);
  copy->pages_ = pages_;
  copy->contents_ = contents_;
  return std::unique_ptr<AddressSpace>(std::move(copy));
}

}  // namespace runsc
