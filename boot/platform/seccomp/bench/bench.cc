// What the seccomp platform costs, without a kernel behind it. Prints one line per operation, nanoseconds.
// Usage: bench [rounds, default 3 [getpid|capture|read|mmap|fork|step|thread|space [scale, default 1]]]
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "boot/platform/seccomp/testing/test_guest.h"

namespace runsc {
namespace {

constexpr std::uint64_t kHeap = 0x60000000;

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Serves one thread like a task thread of the kernel, until it traps or exits.
void serve(AddressSpace& space, Context& context) {
  std::future<void> child;
  for (;;) {
    const Event event = context.wait();
    if (event.kind == Event::Kind::kKicked) {
      context.resume();
      continue;
    }
    if (event.kind != Event::Kind::kSyscall) return;
    switch (event.number) {
      case SYS_mmap:
        if (!space.map(kHeap, event.args[1], PROT_READ | PROT_WRITE, {}, -1, 0).ok()) std::abort();
        context.finish_syscall(kHeap);
        break;
      case SYS_munmap:
        context.continue_natively();
        break;
      case SYS_fork: {
        ThreadState state{context.registers(), {context.fp_state().begin(), context.fp_state().end()}, false, {}};
        state.registers.rax = 0;
        auto child_space = space.fork();
        if (!child_space.ok()) std::abort();
        auto child_context = (*child_space)->new_context(state);
        if (!child_context.ok()) std::abort();
        std::promise<void> exited;
        child = exited.get_future();
        std::thread([space = std::move(*child_space), context = std::move(*child_context),
                     exited = std::move(exited)]() mutable {
          serve(*space, *context);
          exited.set_value();
          context.reset();
          space.reset();
        }).detach();
        context.finish_syscall(1);
        break;
      }
      case SYS_wait4:
        if (child.valid()) child.get();
        context.finish_syscall(1);
        break;
      case SYS_exit:
      case SYS_exit_group:
        return;
      case SYS_gettid: {  // a call that needs all registers
        if (!context.capture(0).ok()) std::abort();
        context.resume();
        break;
      }
      default:
        context.finish_syscall(1);
    }
  }
}

class Bench {
 public:
  explicit Bench(Platform& platform) : platform_(platform) {}

  void run(const char* name, const ThreadState& state, std::uint64_t count) {
    auto space = platform_.new_address_space();
    if (!space.ok()) std::abort();
    load_guest(**space);
    auto context = (*space)->new_context(state);
    if (!context.ok()) std::abort();
    const double start = now();
    std::thread([&] { serve(**space, **context); }).join();
    print(name, now() - start, count);
  }

  void thread_create(std::uint64_t count) {
    auto space = platform_.new_address_space();
    load_guest(**space);
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = SYS_exit;
    const double start = now();
    for (std::uint64_t i = 0; i < count; ++i) {
      auto context = (*space)->new_context(state);
      if (!context.ok()) std::abort();
      std::thread([&] { serve(**space, **context); }).join();
    }
    print("thread create + end", now() - start, count);
  }

  void address_space(std::uint64_t count) {
    const double start = now();
    for (std::uint64_t i = 0; i < count; ++i)
      if (!platform_.new_address_space().ok()) std::abort();
    print("address space create + end", now() - start, count);
  }

  // The parts of a fork, one after the other in one thread.
  void steps(std::uint64_t count) {
    auto space = platform_.new_address_space();
    load_guest(**space);
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = SYS_exit_group;
    double times[6] = {};
    for (std::uint64_t i = 0; i < count; ++i) {
      times[0] -= now();
      auto child = (*space)->fork();
      lap(times, 0);
      auto context = (*child)->new_context(state);
      lap(times, 1);
      (*context)->wait();
      lap(times, 2);
      (*context).reset();
      lap(times, 3);
      (*child).reset();
      times[4] += now();
    }
    const char* names[] = {"step: fork address space", "step: new context", "step: first event", "step: end context",
                           "step: end address space"};
    for (int i = 0; i < 5; ++i) print(names[i], times[i], count);
  }
  static void lap(double* times, int step) {
    const double time = now();
    times[step] += time;
    times[step + 1] -= time;
  }

  void copies(std::size_t size, const char* name, std::uint64_t count) {
    auto space = platform_.new_address_space();
    load_guest(**space);
    std::vector<std::byte> buffer(size);
    const double start = now();
    for (std::uint64_t i = 0; i < count; ++i)
      if (!(*space)->read(kGuestData, buffer).ok()) std::abort();
    print(name, now() - start, count);
  }

  static void print(const char* name, double total, std::uint64_t count) {
    std::printf("%-28s %10.0f\n", name, total / static_cast<double>(count));
    std::fflush(stdout);
  }

 private:
  Platform& platform_;
};

ThreadState call_loop(long number, std::uint64_t count) {
  ThreadState state = guest_state(guest_syscall_count);
  state.registers.rcx = count;
  state.registers.r12 = static_cast<std::uint64_t>(number);
  return state;
}

ThreadState map_loop(std::uint64_t count) {
  ThreadState state = guest_state(guest_mmap_loop);
  state.registers.r13 = 4096;
  state.registers.rbx = count;
  return state;
}

ThreadState fork_loop(std::uint64_t count) {
  ThreadState state = guest_state(guest_fork_loop);
  state.registers.rbx = count;
  return state;
}

// The operations whose name starts with `only`, each `scale` * 1000 times or a multiple of that.
void run_all(Platform& platform, const std::string& only, double scale) {
  Bench bench(platform);
  const auto wanted = [&](const char* name) { return std::string(name).starts_with(only); };
  const auto times = [&](double count) { return static_cast<std::uint64_t>(count * scale) + 1; };
  if (wanted("getpid")) bench.run("getpid", call_loop(SYS_getpid, times(50000)), times(50000));
  if (wanted("capture")) bench.run("call with capture", call_loop(SYS_gettid, times(20000)), times(20000));
  if (wanted("read")) bench.copies(1, "read 1 byte", times(50000));
  if (wanted("read")) bench.copies(4096, "read 4 KiB", times(50000));
  if (wanted("mmap")) bench.run("mmap + touch + munmap", map_loop(times(10000)), times(10000));
  if (wanted("fork")) bench.run("fork + exit + wait", fork_loop(times(1000)), times(1000));
  if (wanted("step")) bench.steps(times(1000));
  if (wanted("thread")) bench.thread_create(times(1000));
  if (wanted("space")) bench.address_space(times(1000));
}

}  // namespace
}  // namespace runsc

int main(int argc, char** argv) {
  std::string error;
  const auto platform = runsc::make_seccomp_platform(error);
  if (platform == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  for (int i = 0; i < rounds; ++i)
    runsc::run_all(*platform, argc > 2 ? argv[2] : "", argc > 3 ? std::atof(argv[3]) : 1);
  return 0;
}
