// For tests: a Platform whose address spaces are arrays of page records in this process. Mappings are recorded,
// contents of pages that were written are kept, nothing runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boot/platform/platform.h"

namespace runsc {

class FakeContext : public Context {
 public:
  Event wait() override { return {}; }
  void finish_syscall(std::int64_t) override {}
  void continue_natively() override {}
  Result<bool> call_natively() override { return Errno(EIO); }
  void resume() override {}
  Result<void> capture(std::int64_t) override { return {}; }
  Registers& registers() override { return registers_; }
  std::span<const std::byte> fp_state() const override { return {}; }
  Result<void> set_fp_state(std::span<const std::byte>) override { return {}; }
  const RseqArea& rseq() const override { return rseq_; }
  void run_on(std::uint64_t) override {}
  void kick() override {
    ++kicks;
    if (on_kick) on_kick();
  }
  void kill() override {}
  int host_tid() const override { return 0; }

  int kicks = 0;
  std::function<void()> on_kick;

 private:
  Registers registers_;
  RseqArea rseq_;
};

// What one page is mapped to.
struct FakePage {
  int protection = 0;
  bool shared = false;
  int fd = -1;
  std::uint64_t file_page = 0;  // offset / 4096
  friend bool operator==(const FakePage&, const FakePage&) = default;
};

class FakeAddressSpace : public AddressSpace {
 public:
  using Pages = std::map<std::uint64_t, FakePage>;  // by page number

  explicit FakeAddressSpace(const Platform::Layout& layout) : layout_(layout) {}

  Result<void> map(std::uint64_t address, std::uint64_t length, int prot, const MapOptions& options, int fd,
                   std::uint64_t offset) override;
  Result<void> map_all(std::span<const Mapping> mappings) override;
  Result<void> unmap(std::uint64_t address, std::uint64_t length) override;
  Result<void> protect(std::uint64_t address, std::uint64_t length, int prot) override;
  Result<void> remap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length, int flags,
                     std::uint64_t new_address) override;
  Result<void> advise(std::uint64_t address, std::uint64_t length, int advice) override;
  Result<void> sync(std::uint64_t address, std::uint64_t length, int flags) override;
  Result<std::vector<std::uint8_t>> resident(std::uint64_t address, std::uint64_t length) override;
  Result<std::size_t> read(std::uint64_t address, std::span<std::byte> to) override;
  Result<std::size_t> write(std::uint64_t address, std::span<const std::byte> from) override;
  Result<std::size_t> readv(std::span<const Range>, std::span<std::byte>) override { return Errno(ENOSYS); }
  Result<std::size_t> writev(std::span<const Range> ranges, std::span<const std::byte> from) override;
  Result<void> force_write(std::uint64_t, std::span<const std::byte>) override { return Errno(ENOSYS); }
  Result<std::uint32_t> compare_exchange(std::uint64_t, std::uint32_t, std::uint32_t) override { return Errno(ENOSYS); }
  Result<int> futex_wake(std::uint64_t, int) override { return Errno(ENOSYS); }
  Result<std::unique_ptr<AddressSpace>> fork() override;
  Result<std::unique_ptr<Context>> new_context(const ThreadState&) override { return Errno(ENOSYS); }
  std::shared_ptr<const PagingUsage> paging_usage() const override { return std::make_shared<PagingUsage>(); }
  Result<std::int64_t> peak_resident_kib() override { return std::int64_t{0}; }
  int host_pid() const override { return 0; }

  const Pages& pages() const { return pages_; }
  int calls = 0;        // of all kinds
  int fail_after = -1;  // ENOMEM from that call on; negative: never
  // remap() answers EFAULT for ranges that cross one of these page numbers, as a host whose VMAs are cut finer.
  std::vector<std::uint64_t> cuts;

 private:
  Result<void> check(std::uint64_t address, std::uint64_t length);
  bool mapped(std::uint64_t address, std::uint64_t length) const;

  Platform::Layout layout_;
  Pages pages_;
  std::map<std::uint64_t, std::byte> contents_;
};

class FakePlatform : public Platform {
 public:
  FakePlatform();
  Result<std::unique_ptr<Birthplace>> new_birthplace() override { return Errno(ENOSYS); }
  Result<std::unique_ptr<AddressSpace>> new_address_space(Birthplace* birthplace = nullptr) override;
  const Layout& layout() const override { return layout_; }

 private:
  Layout layout_;
};

}  // namespace runsc
