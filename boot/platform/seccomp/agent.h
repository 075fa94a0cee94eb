// The boot process's side of one agent: sends commands, takes answers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "boot/base/result.h"
#include "boot/platform/seccomp/process.h"
#include "boot/platform/seccomp/slot.h"

namespace runsc::seccomp {

// Not thread-safe: the address space's lock is held around every call.
class Agent {
 public:
  Agent(Process process, Slot slot) : process_(std::move(process)), slot_(std::move(slot)) {}
  Agent(Agent&&) = default;

  const Slot& slot() const { return slot_; }
  Slot take_slot() && { return std::move(slot_); }
  Process& process() { return process_; }
  const Process& process() const { return process_; }

  // One system call in the agent. The low half of its result; errors as usual, EIO when the agent has died.
  using Args = std::array<std::uint64_t, 6>;
  Result<std::int32_t> call(long number, const Args& args);

  // Up to BATCH_MOST calls in order, at the price of one; the first error ends them.
  Result<void> call_all(std::span<const BatchedCall> calls);

  // For the next call_all() of the call below, and what is forked or started later: characters that any terminal shows.
  void place_name(std::string_view name);
  // What makes the placed name that of the agent.
  static BatchedCall naming_call();

  // A copy of the agent and of its memory, with a slot of its own (cleared).
  Result<Agent> fork(Slot slot);

  // A thread that shares the agent's memory, stopped at its first doorbell or on its way there. `reserved_fd` is a
  // descriptor of this process that the thread replaces by its listener; `guarded`: its filter is
  // guarded_application_filter().
  Result<Process> start_thread(int area, int reserved_fd, bool guarded);

  // A process that shares the agent's memory and descriptors, for Worker. `reserved_fd` as above.
  Result<Process> start_worker(int reserved_fd);

  // Compare-and-exchange by a short-lived process; EFAULT if that dies of it.
  Result<std::uint32_t> exchange(std::uint64_t address, std::uint32_t expected, std::uint32_t desired);

 private:
  struct Order {
    CommandKind kind;
    long number;
    Args args;
    std::array<std::uint64_t, 3> aux;
  };
  Result<std::int32_t> run(const Order& order);
  void send(const Order& order);
  Result<std::int32_t> await_answer();
  void follow_caller();

  Process process_;
  Slot slot_;
  std::uint32_t sequence_ = 0;
  int cpu_ = -1;  // that it is pinned to
  bool dead_ = false;
};

// The answer that lies in a file offset, if it is the one to command `sequence`.
Result<std::int32_t> read_answer(int fd, std::uint32_t sequence);

}  // namespace runsc::seccomp
