#include "boot/platform/seccomp/agent.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "boot/base/host_call.h"
#include "boot/platform/seccomp/futex.h"
#include "boot/platform/seccomp/stub/stub.h"

namespace runsc::seccomp {
namespace {

// How long to wait before asking whether the agent still lives.
constexpr int kFirstPatienceMilliseconds = 100;
constexpr int kLastPatienceMilliseconds = 1 << 20;
// Keeps an answer's file offset positive.
constexpr std::uint32_t kLastSequence = 0x7fffffff;
constexpr std::int32_t kMaxErrno = 4095;

bool is_error(std::int32_t value) { return value < 0 && value >= -kMaxErrno; }

}  // namespace

Result<std::int32_t> read_answer(int fd, std::uint32_t sequence) {
  const off_t offset = lseek(fd, 0, SEEK_CUR);
  if (offset < 0 || static_cast<std::uint64_t>(offset) >> 32 != sequence) return Errno(EAGAIN);
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(offset));
}

// Both sides on one CPU: a wake-up across CPUs costs an interrupt, in a virtual machine an exit as well.
void Agent::follow_caller() {
  const int cpu = sched_getcpu();
  if (cpu < 0 || cpu == cpu_) return;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(cpu, &mask);
  if (sched_setaffinity(process_.pid(), sizeof(mask), &mask) == 0) cpu_ = cpu;
}

void Agent::send(const Order& order) {
  Command& command = slot_.command();
  command.kind = order.kind;
  command.number = static_cast<std::uint64_t>(order.number);
  command.args = order.args;
  command.aux = order.aux;
  sequence_ = sequence_ == kLastSequence ? 1 : sequence_ + 1;
  shared_word(command.sequence).store(sequence_, std::memory_order_release);
  futex_wake(command.sequence);
}

// The word in the scratch page only says when to look; the application can spoil it, which costs it time and no more.
Result<std::int32_t> Agent::await_answer() {
  std::uint32_t& done = slot_.scratch().done;
  int patience = kFirstPatienceMilliseconds;
  for (;;) {
    const std::uint32_t seen = shared_word(done).load(std::memory_order_acquire);
    if (seen == sequence_) {
      const auto answer = read_answer(slot_.fd(), sequence_);
      if (answer.ok()) return answer;
    }
    if (futex_wait(done, seen, patience)) continue;
    const auto answer = read_answer(slot_.fd(), sequence_);
    if (answer.ok()) return answer;
    dead_ = !process_.alive();
    if (dead_) return Errno(EIO);
    // A hostile thread may have moved the agent to another futex (FUTEX_REQUEUE). Stopping and continuing a process
    // makes it ask again. If it is just busy, a fork begins anew: so the next time comes later.
    process_.send(SIGSTOP);
    process_.send(SIGCONT);
    patience = std::min(2 * patience, kLastPatienceMilliseconds);
  }
}

Result<std::int32_t> Agent::run(const Order& order) {
  if (dead_) return Errno(EIO);
  follow_caller();
  send(order);
  return await_answer();
}

Result<std::int32_t> Agent::call(long number, const Args& args) {
  const std::int32_t value = TRY(run({CommandKind::kCall, number, args, {}}));
  if (is_error(value)) return Errno(-value);
  return value;
}

Result<void> Agent::call_all(std::span<const BatchedCall> calls) {
  if (calls.empty() || calls.size() > BATCH_MOST) return Errno(EINVAL);
  auto* page = reinterpret_cast<std::byte*>(&slot_.command());
  std::memcpy(page + COMMAND_BATCH_CALLS, calls.data(), calls.size_bytes());
  const std::int32_t value = TRY(run({CommandKind::kBatch, 0, {}, {calls.size(), 0, 0}}));
  if (value != 0) return Errno(is_error(value) ? -value : EIO);
  return {};
}

// The name is an application's. It reaches the agent in a page that is read-only there.
void Agent::place_name(std::string_view name) {
  std::array<char, COMMAND_NAME_SIZE> text{};
  name = name.substr(0, text.size() - 1);
  std::ranges::transform(name, text.begin(), [](char c) { return c > ' ' && c <= '~' ? c : '?'; });
  std::memcpy(reinterpret_cast<std::byte*>(&slot_.command()) + COMMAND_NAME, text.data(), text.size());
}

BatchedCall Agent::naming_call() { return {SYS_prctl, {PR_SET_NAME, STUB_COMMAND + COMMAND_NAME}}; }

Result<Agent> Agent::fork(Slot slot) {
  const std::int32_t pid = TRY(run({CommandKind::kFork,
                                    SYS_clone,
                                    {CLONE_PARENT | CLONE_FILES, 0, 0, 0, 0, 0},
                                    {static_cast<std::uint64_t>(slot.fd()), 0, 0}}));
  if (pid < 0) return Errno(-pid);
  Agent child(Process(pid), std::move(slot));
  child.cpu_ = cpu_;
  return child;
}

Result<Process> Agent::start_thread(int area, int reserved_fd, bool guarded) {
  constexpr std::uint64_t kFlags = CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_PARENT;
  const std::uint64_t address = STUB_AREAS + std::uint64_t{STUB_AREA_SIZE} * static_cast<std::uint64_t>(area);
  const std::int32_t pid = TRY(run({CommandKind::kThread,
                                    SYS_clone,
                                    {kFlags, 0, 0, 0, 0, 0},
                                    {address, static_cast<std::uint64_t>(reserved_fd),
                                     static_cast<std::uint64_t>(guarded ? STUB_GUARDED_PROGRAM : STUB_PROGRAM)}}));
  if (pid < 0) return Errno(-pid);
  return Process(pid);
}

Result<Process> Agent::start_worker(int reserved_fd) {
  constexpr std::uint64_t kFlags = CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_PARENT;
  const std::int32_t pid = TRY(run({CommandKind::kStartWorker,
                                    SYS_clone,
                                    {kFlags, 0, 0, 0, 0, 0},
                                    {0, static_cast<std::uint64_t>(reserved_fd), 0}}));
  if (pid < 0) return Errno(-pid);
  return Process(pid);
}

Result<std::uint32_t> Agent::exchange(std::uint64_t address, std::uint32_t expected, std::uint32_t desired) {
  UniqueFd file(TRY(HOST_CALL(memfd_create("runsc-exchange", MFD_CLOEXEC))));
  const std::int32_t pid =
      TRY(run({CommandKind::kExchange,
               SYS_clone,
               {CLONE_VM | CLONE_FILES | CLONE_PARENT, 0, 0, 0, 0, 0},
               {address, std::uint64_t{desired} << 32 | expected, static_cast<std::uint64_t>(file.get())}}));
  if (pid < 0) return Errno(-pid);
  if (Process(pid).join() != 0) return Errno(EFAULT);
  const auto found = read_answer(file.get(), sequence_);
  if (!found.ok()) return Errno(EIO);
  return static_cast<std::uint32_t>(*found);
}

}  // namespace runsc::seccomp
