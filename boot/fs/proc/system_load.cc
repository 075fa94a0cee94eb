// stat, uptime, loadavg: what the processors of the sandbox did. Time that other sandboxes and the host used counts as
// idle.
#include <sys/sysinfo.h>

#include <algorithm>

#include "boot/fs/cpu/processors.h"
#include "boot/fs/proc/system_files.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/processors.h"

namespace runsc {
namespace {

using ull = unsigned long long;

struct Load {
  Usage used;  // by all that ever ran and whose account is still somewhere
  std::size_t tasks = 0, running = 0;
  int last_pid = 0;
};

Load gather_load(Kernel& kernel) {
  Load load;
  auto tree = kernel.tasks().lock();
  for (Task* task : kernel.root_pid_namespace()->tasks(*tree)) {
    ++load.tasks;
    load.running += task->state() == TaskState::kRunning ? 1 : 0;
    load.last_pid = std::max(load.last_pid, raw(task->tid(*kernel.root_pid_namespace())));
    load.used.add(task->usage());
    const ThreadGroupLinks& links = task->group()->links(*tree);
    if (links.leader != task) continue;
    load.used.add(links.ended_tasks);
    load.used.add(links.reaped_children);
  }
  return load;
}

constexpr std::int64_t kTick = kNanosecondsPerSecond / 100;

ull ticks(std::int64_t ns) { return static_cast<ull>(std::max<std::int64_t>(ns, 0) / kTick); }

struct Processors {
  std::vector<int> numbers;
  int count = 1;
  std::int64_t user_ns = 0, system_ns = 0, idle_ns = 0;  // of all together
};

Processors processors(const Kernel& kernel, const Load& load) {
  Processors all;
  all.numbers = numbers_of(online_processors(kernel));
  all.count = static_cast<int>(all.numbers.size());
  all.user_ns = load.used.user_ns;
  all.system_ns = load.used.system_ns;
  all.idle_ns = std::max<std::int64_t>(now_ns(CLOCK_BOOTTIME) * all.count - all.user_ns - all.system_ns, 0);
  return all;
}

}  // namespace

std::string show_system_stat(Kernel& kernel) {
  const Load load = gather_load(kernel);
  const Processors all = processors(kernel, load);
  std::string out;
  append_format(out, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n", ticks(all.user_ns), ticks(all.system_ns),
                ticks(all.idle_ns));
  for (const int i : all.numbers)
    append_format(out, "cpu%d %llu 0 %llu %llu 0 0 0 0 0 0\n", i, ticks(all.user_ns / all.count),
                  ticks(all.system_ns / all.count), ticks(all.idle_ns / all.count));
  append_format(out, "intr 0\nctxt 0\nbtime %lld\nprocesses %d\nprocs_running %zu\nprocs_blocked 0\n",
                static_cast<long long>(kernel.boot_time_ns() / kNanosecondsPerSecond), load.last_pid,
                std::max<std::size_t>(load.running, 1));
  out += "softirq 0 0 0 0 0 0 0 0 0 0 0\n";
  return out;
}

std::string show_uptime(Kernel& kernel) {
  const auto hundredths = [](std::int64_t ns) { return static_cast<double>(ns / kTick) / 100; };
  std::string out;
  append_format(out, "%.2f %.2f\n", hundredths(now_ns(CLOCK_BOOTTIME)),
                hundredths(processors(kernel, gather_load(kernel)).idle_ns));
  return out;
}

std::string show_loadavg(Kernel& kernel) {
  const Load load = gather_load(kernel);
  struct sysinfo host {};
  ::sysinfo(&host);
  std::string out;
  for (const unsigned long average : host.loads)
    append_format(out, "%.2f ", static_cast<double>(average) / (1 << SI_LOAD_SHIFT));
  append_format(out, "%zu/%zu %d\n", std::max<std::size_t>(load.running, 1), load.tasks, load.last_pid);
  return out;
}

}  // namespace runsc
