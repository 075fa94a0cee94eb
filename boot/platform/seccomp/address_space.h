// AddressSpace by an agent process.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "boot/base/lock.h"
#include "boot/platform/platform.h"
#include "boot/platform/seccomp/agent.h"
#include "boot/platform/seccomp/fp_state.h"
#include "boot/platform/seccomp/host_thread.h"
#include "boot/platform/seccomp/reserved.h"
#include "boot/platform/seccomp/worker.h"

namespace runsc::seccomp {

// What the objects of one platform share. Outlives them.
struct Shared {
  Shared(const Platform::Layout& layout, const FpLayout& fp) : layout(layout), rules(layout), fp(fp) {}
  const Platform::Layout layout;
  const AddressRules rules;
  const FpLayout fp;
  UniqueFd text;  // the stub's image
  SlotPool slots;
};

// Hands out the numbers of thread areas.
class AreaAllocator {
 public:
  // EAGAIN: all are in use.
  Result<int> take();
  void give(int index) { free_.push_back(index); }

 private:
  std::vector<int> free_;
  int next_ = 0;
};

class SeccompAddressSpace : public AddressSpace {
 public:
  SeccompAddressSpace(Shared& shared, Agent agent);
  ~SeccompAddressSpace() override;

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
  Result<std::size_t> readv(std::span<const Range> ranges, std::span<std::byte> to) override;
  Result<std::size_t> writev(std::span<const Range> ranges, std::span<const std::byte> from) override;
  Result<void> force_write(std::uint64_t address, std::span<const std::byte> from) override;
  Result<std::uint32_t> compare_exchange(std::uint64_t address, std::uint32_t expected, std::uint32_t desired) override;
  Result<int> futex_wake(std::uint64_t address, int count) override;
  Result<std::unique_ptr<AddressSpace>> fork() override;
  Result<std::unique_ptr<Context>> new_context(const ThreadState& state) override;
  void set_name(std::string_view name) override;
  std::shared_ptr<const PagingUsage> paging_usage() const override { return paging_; }
  Result<std::int64_t> peak_resident_kib() override;
  int host_pid() const override { return pid_; }

  // For contexts.
  Shared& shared() { return shared_; }
  // Parks the thread, or ends it.
  void give_back(HostThread thread);

 private:
  struct State {
    explicit State(Agent agent) : agent(std::move(agent)) {}
    Agent agent;
    std::optional<Worker> worker;
    int calls_without_worker = 0;
    bool name_placed = false;  // and the agent does not have it yet
    AreaAllocator areas;
    std::vector<HostThread> parked;
  };
  Result<HostThread> take_thread(const ThreadState& thread, std::span<const std::byte> fp);
  Result<HostThread> new_thread_locked(State& state, const ThreadState& thread, std::span<const std::byte> fp);
  // A mapping call, by the worker or the agent.
  Result<void> call(long number, const Agent::Args& args);
  Result<void> call_locked(State& state, long number, const Agent::Args& args);
  void consider_worker(State& state);
  // Ends a thread of the application and takes down what it has used.
  void end(HostThread& thread);

  Shared& shared_;
  const pid_t pid_;
  const std::shared_ptr<PagingUsage> paging_ = std::make_shared<PagingUsage>();
  Guarded<State, LockLevel::kPlatform> state_;
};

}  // namespace runsc::seccomp
