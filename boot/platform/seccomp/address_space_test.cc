// Mappings, copies, fork, and the choke point.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "boot/base/unique_fd.h"
#include "boot/platform/seccomp/stub/layout.h"
#include "boot/platform/seccomp/testing/test_guest.h"

namespace runsc {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

class AddressSpaceTest : public PlatformTest {
 protected:
  std::vector<std::byte> bytes(std::size_t size) { return std::vector<std::byte>(size, std::byte{0x5a}); }
};

TEST_F(AddressSpaceTest, StartsEmptyButForStubAndVdso) {
  auto space = platform_->new_address_space();
  ASSERT_TRUE(space.ok());
  // What was this process's own memory is gone.
  std::byte byte{};
  EXPECT_FALSE((*space)->read(reinterpret_cast<std::uint64_t>(&byte), std::span(&byte, 1)).ok());
  static int in_data = 1;
  EXPECT_FALSE((*space)->read(reinterpret_cast<std::uint64_t>(&in_data), std::span(&byte, 1)).ok());
  EXPECT_EQ(peek<std::uint32_t>(**space, platform_->layout().vdso), 0x464c457fu);
}

TEST_F(AddressSpaceTest, CopiesStopAtTheFirstInaccessiblePage) {
  ASSERT_TRUE(space_->map(0x40000000, 0x2000, kReadWrite, {}, -1, 0).ok());
  auto buffer = bytes(0x4000);
  EXPECT_EQ(space_->write(0x40001000, buffer).value_or(0), 0x1000u);
  EXPECT_EQ(space_->read(0x40001fff, buffer).value_or(0), 1u);
  EXPECT_EQ(space_->read(0x40002000, buffer).error(), Errno(EFAULT));
  EXPECT_EQ(space_->read(~0ULL - 1, buffer).error(), Errno(EFAULT));
  EXPECT_EQ(space_->read(0x40002000, {}).value_or(1), 0u);
  ASSERT_TRUE(space_->protect(0x40000000, 0x1000, PROT_READ).ok());
  EXPECT_EQ(space_->write(0x40000000, buffer).error(), Errno(EFAULT));
  EXPECT_EQ(space_->read(0x40000000, buffer).value_or(0), 0x2000u);
}

TEST_F(AddressSpaceTest, ManyMappingsAtOnce) {
  const UniqueFd file(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 0x1000), 0);
  ASSERT_EQ(pwrite(file.get(), "x", 1, 0), 1);
  std::vector<AddressSpace::Mapping> mappings;
  for (std::uint64_t i = 0; i < 150; ++i) mappings.push_back({0x40000000 + i * 0x2000, 0x1000, kReadWrite, {}, -1, 0});
  mappings[100].fd = file.get();
  ASSERT_TRUE(space_->map_all(mappings).ok());
  for (const auto& each : mappings) EXPECT_EQ(peek<char>(*space_, each.address), each.fd < 0 ? '\0' : 'x');
  ASSERT_TRUE(space_->map_all({}).ok());
  // An error in the middle, from the host and from the choke point.
  mappings[1].fd = 19999;
  EXPECT_EQ(space_->map_all(mappings).error(), Errno(EBADF));
  mappings[1] = {platform_->layout().reserved_start, 0x1000, kReadWrite, {}, -1, 0};
  EXPECT_EQ(space_->map_all(mappings).error(), Errno(ENOMEM));
  EXPECT_TRUE(space_->map(0x50000000, 0x1000, kReadWrite, {}, -1, 0).ok());
}

std::string host_name(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

TEST_F(AddressSpaceTest, TheHostSeesTheName) {
  auto space = std::move(platform_->new_address_space()).value();
  space->set_name("sleep");
  const AddressSpace::Mapping mapping{0x40000000, 0x1000, kReadWrite, {}, -1, 0};
  ASSERT_TRUE(space->map_all(std::span(&mapping, 1)).ok());
  EXPECT_EQ(host_name(space->host_pid()), "sleep");
  auto child = std::move(space->fork()).value();
  EXPECT_EQ(host_name(child->host_pid()), "sleep");
  // Of hostile names what a terminal may be given; without a mapping, with the first thread.
  child->set_name("a\x1b[2J\n\xff b and what is too long");
  const auto context = std::move(child->new_context({})).value();
  EXPECT_EQ(host_name(child->host_pid()), "a?[2J???b?and?w");
  // The page that it lies in is not the application's to write.
  const std::byte byte{'x'};
  EXPECT_FALSE(child->write(STUB_COMMAND + COMMAND_NAME, std::span(&byte, 1)).ok());
}

TEST_F(AddressSpaceTest, ScattersAndGathers) {
  std::vector<AddressSpace::Range> ranges;
  for (std::uint64_t i = 0; i < 100; ++i) ranges.push_back({kGuestData + i * 64, i % 3});
  std::vector<std::byte> from(99);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i);
  EXPECT_EQ(space_->writev(ranges, from).value_or(0), 99u);
  auto to = bytes(200);
  EXPECT_EQ(space_->readv(ranges, to).value_or(0), 99u);
  to.resize(99);
  EXPECT_EQ(to, from);
  EXPECT_EQ(space_->readv({}, to).value_or(1), 0u);
  ranges.push_back({0x1000, 8});
  EXPECT_EQ(space_->readv(ranges, std::span(to).first(50)).value_or(0), 50u);
}

TEST_F(AddressSpaceTest, ReservedRegionIsOutOfReach) {
  const auto& layout = platform_->layout();
  auto buffer = bytes(16);
  const std::uint64_t start = layout.reserved_start;
  const std::uint64_t end = layout.reserved_end;
  for (const std::uint64_t address : {start, start + 0x10000, end - 0x1000}) {
    EXPECT_EQ(space_->read(address, buffer).error(), Errno(EFAULT));
    EXPECT_EQ(space_->write(address, buffer).error(), Errno(EFAULT));
    EXPECT_EQ(space_->compare_exchange(address, 0, 1).error(), Errno(EFAULT));
  }
  const std::pair<std::uint64_t, std::uint64_t> ranges[] = {{start, 0x1000},
                                                            {start - 0x1000, 0x2000},
                                                            {end - 0x1000, 0x2000},
                                                            {0x10000, layout.task_size - 0x10000},
                                                            {layout.vdso, 0x1000},
                                                            {layout.vvar, 0x1000},
                                                            {layout.task_size, 0x1000},
                                                            {0x10000, ~0xfffULL},
                                                            {layout.task_size - 0x1000, 0x2000}};
  for (const auto& [address, length] : ranges) {
    EXPECT_EQ(space_->map(address, length, kReadWrite, {}, -1, 0).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->unmap(address, length).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->protect(address, length, kReadWrite).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->advise(address, length, MADV_DONTNEED).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->sync(address, length, MS_SYNC).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->resident(address, length).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->remap(address, length, length, 0, 0).error(), Errno(ENOMEM));
    EXPECT_EQ(space_->remap(kGuestData, 0x1000, length, MREMAP_MAYMOVE | MREMAP_FIXED, address).error(), Errno(ENOMEM));
  }
  EXPECT_EQ(space_->remap(start - 0x1000, 0x1000, 0x2000, 0, 0).error(), Errno(ENOMEM));
  EXPECT_EQ(space_->remap(kGuestData, 0x1000, 0x2000, MREMAP_MAYMOVE, 0).error(), Errno(EINVAL));
  EXPECT_EQ(space_->map(0x40000001, 0x1000, kReadWrite, {}, -1, 0).error(), Errno(EINVAL));
  EXPECT_TRUE(space_->map(start - 0x1000, 0x1000, kReadWrite, {}, -1, 0).ok());
  EXPECT_TRUE(space_->map(end, 0x1000, kReadWrite, {}, -1, 0).ok());
}

TEST_F(AddressSpaceTest, MapsFilesOfThisProcess) {
  const UniqueFd file(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 0x3000), 0);
  ASSERT_EQ(pwrite(file.get(), "hello", 5, 0x1000), 5);
  ASSERT_TRUE(space_->map(0x40000000, 0x1000, kReadWrite, {.sharing = Sharing::kShared}, file.get(), 0x1000).ok());
  EXPECT_EQ(peek<char>(*space_, 0x40000000), 'h');
  poke(*space_, 0x40000000, 'j');
  char byte = 0;
  ASSERT_EQ(pread(file.get(), &byte, 1, 0x1000), 1);
  EXPECT_EQ(byte, 'j');
  EXPECT_EQ(space_->map(0x50000000, 0x1000, kReadWrite, {}, 9999, 0).error(), Errno(EBADF));
}

TEST_F(AddressSpaceTest, RemapsAdvisesAndTellsResidency) {
  ASSERT_TRUE(space_->map(0x40000000, 0x4000, kReadWrite, {}, -1, 0).ok());
  poke(*space_, 0x40001000, 42);
  EXPECT_EQ(space_->resident(0x40000000, 0x4000).value_or({}), (std::vector<std::uint8_t>{0, 1, 0, 0}));
  ASSERT_TRUE(space_->remap(0x40000000, 0x4000, 0x6000, MREMAP_MAYMOVE | MREMAP_FIXED, 0x48000000).ok());
  EXPECT_EQ(peek<int>(*space_, 0x48001000), 42);
  ASSERT_TRUE(space_->remap(0x48000000, 0x6000, 0x7000, 0, 0).ok());
  ASSERT_TRUE(space_->advise(0x48001000, 0x1000, MADV_DONTNEED).ok());
  EXPECT_EQ(peek<int>(*space_, 0x48001000), 0);
  EXPECT_EQ(space_->resident(0x40000000, 0x1000).error(), Errno(ENOMEM));
}

TEST_F(AddressSpaceTest, ExchangesAtomicallyAndSurvivesBadAddresses) {
  poke<std::uint32_t>(*space_, kGuestData, 0xfffffff0);
  EXPECT_EQ(space_->compare_exchange(kGuestData, 7, 8).value_or(0), 0xfffffff0u);
  EXPECT_EQ(peek<std::uint32_t>(*space_, kGuestData), 0xfffffff0u);
  EXPECT_EQ(space_->compare_exchange(kGuestData, 0xfffffff0, 8).value_or(0), 0xfffffff0u);
  EXPECT_EQ(peek<std::uint32_t>(*space_, kGuestData), 8u);
  EXPECT_EQ(space_->compare_exchange(0x666000, 7, 8).error(), Errno(EFAULT));
  EXPECT_EQ(space_->compare_exchange(kGuestCode, 7, 8).error(), Errno(EFAULT));
  EXPECT_EQ(space_->compare_exchange(kGuestData + 2, 7, 8).error(), Errno(EINVAL));
  EXPECT_TRUE(space_->unmap(kGuestData, 0x1000).ok());
}

TEST_F(AddressSpaceTest, WakesNativeFutexWaiters) {
  auto context = start(*space_, guest_state(guest_futex_wait));
  std::thread other([&] { EXPECT_EQ(context->wait().signal, SIGTRAP); });
  while (space_->futex_wake(kGuestData, 1).value_or(-1) == 0) std::this_thread::yield();
  other.join();
  EXPECT_EQ(context->registers().rax, 0u);
  EXPECT_EQ(space_->futex_wake(kGuestData, 1).value_or(-1), 0);
  EXPECT_EQ(space_->futex_wake(platform_->layout().reserved_start + 0x10000, 1).error(), Errno(EFAULT));
}

TEST_F(AddressSpaceTest, ForkCopiesOnWrite) {
  poke(*space_, kGuestData, 1);
  auto child = space_->fork();
  ASSERT_TRUE(child.ok());
  poke(*space_, kGuestData, 2);
  EXPECT_EQ(peek<int>(**child, kGuestData), 1);
  poke(**child, kGuestData, 3);
  EXPECT_EQ(peek<int>(*space_, kGuestData), 2);
  ASSERT_TRUE((*child)->unmap(kGuestData, 0x1000).ok());
  EXPECT_EQ(peek<int>(*space_, kGuestData), 2);
  auto grandchild = (*child)->fork();
  ASSERT_TRUE(grandchild.ok());
  child->reset();
  space_.reset();
  EXPECT_EQ((*grandchild)->new_context(guest_state(guest_illegal)).value()->wait().signal, SIGILL);
}

TEST_F(AddressSpaceTest, SafeCallsContinueNatively) {
  ThreadState state = guest_state(guest_syscall_once);
  state.registers.rax = SYS_munmap;
  state.registers.rdi = kGuestData;
  state.registers.rsi = 0x1000;
  state.registers.rbx = kGuestData + 0x1000;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, Event::Kind::kSyscall);
  context->continue_natively();
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData + 0x1000), 0);
  std::byte byte{};
  EXPECT_FALSE(space_->read(kGuestData, std::span(&byte, 1)).ok());
}

TEST_F(AddressSpaceTest, TheVdsoWorksNatively) {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_NOLOAD | RTLD_NOW);
  void* clock_gettime = vdso != nullptr ? dlsym(vdso, "__vdso_clock_gettime") : nullptr;
  ASSERT_NE(clock_gettime, nullptr);
  ThreadState state = guest_state(guest_call);
  state.registers.rdi = reinterpret_cast<std::uint64_t>(clock_gettime);
  state.registers.rsi = kGuestData;
  auto context = start(*space_, state);
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(context->registers().rax, 0u);
  EXPECT_NE(peek<timespec>(*space_, kGuestData).tv_sec, 0);
}

TEST_F(AddressSpaceTest, ManyThreadsWork) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::uint64_t base = 0x50000000 + 0x1000000 * static_cast<std::uint64_t>(t);
      for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(space_->map(base, 0x2000, kReadWrite, {}, -1, 0).ok());
        poke(*space_, base, i);
        ThreadState state = guest_state(guest_syscall_once);
        state.registers.rbx = base + 0x1000;
        state.registers.rax = SYS_getpid;
        auto context = start(*space_, state);
        ASSERT_EQ(context->wait().kind, Event::Kind::kSyscall);
        context->finish_syscall(i);
        ASSERT_EQ(context->wait().signal, SIGTRAP);
        EXPECT_EQ(peek<int>(*space_, base + 0x1000), i);
        ASSERT_TRUE(space_->unmap(base, 0x2000).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace runsc
