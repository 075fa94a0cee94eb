#include "boot/fs/proc/process_stat.h"

#include <sched.h>

#include "boot/base/checked.h"
#include "boot/fs/proc/escape.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/resident.h"

namespace runsc {
namespace {

using ull = unsigned long long;
using ll = long long;

constexpr std::int64_t kTick = kNanosecondsPerSecond / 100;                      // USER_HZ
constexpr unsigned kForkedNoExec = 0x40, kExiting = 0x4, kRandomize = 0x400000;  // PF_* of linux/sched.h

unsigned long ticks(std::int64_t ns) { return static_cast<unsigned long>(ns / kTick); }

unsigned flags_of(const ProcessFacts& facts) {
  return kRandomize | (facts.forked_without_exec ? kForkedNoExec : 0) | (facts.exiting ? kExiting : 0);
}

void append_times(std::string& out, const StatFields& f) {
  const Usage& own = f.facts.own;
  const Usage& children = f.facts.children;
  append_format(out, " %lu %lu %lu %lu", ticks(own.user_ns), ticks(own.system_ns), ticks(children.user_ns),
                ticks(children.system_ns));
  append_format(out, " %d %d %d 0 %lu", f.priority, f.nice, f.facts.threads, ticks(f.start_time_ns));
}

void append_signals(std::string& out, const ProcessFacts& facts) {
  // Of the first 31 signals only, for the programs of old.
  constexpr std::uint64_t kShown = 0x7fffffff;
  append_format(out, " %llu %llu %llu %llu", ull{facts.pending.bits() & kShown}, ull{facts.blocked.bits() & kShown},
                ull{facts.ignored.bits() & kShown}, ull{facts.caught.bits() & kShown});
}

// linux/sched/prio.h: 0 is the default; real-time priorities are below -1.
int shown_priority(const Task& task) {
  const int policy = task.scheduling_policy.load() & ~SCHED_RESET_ON_FORK;
  if (policy == SCHED_FIFO || policy == SCHED_RR) return -1 - task.scheduling_priority.load();
  return 20 + task.nice.load();
}

}  // namespace

std::string format_stat(const StatFields& f) {
  const ProcessFacts& facts = f.facts;
  const MemoryManager::Image& image = f.image;
  std::string out;
  append_format(out, "%d (%s) %c %d %d %d %d %d %u", facts.tid, escape_name(f.name).c_str(), facts.state, facts.parent,
                facts.process_group, facts.session, static_cast<int>(facts.terminal), facts.terminal_group,
                flags_of(facts));
  append_format(out, " %lld %lld %lld %lld", ll{facts.own.minor_faults}, ll{facts.children.minor_faults},
                ll{facts.own.major_faults}, ll{facts.children.major_faults});
  append_times(out, f);
  append_format(out, " %llu %llu %llu", ull{f.virtual_bytes}, ull{f.resident_bytes / kPageSize}, ull{f.resident_limit});
  append_format(out, " %llu %llu %llu 0 0", ull{image.code_start}, ull{image.code_end}, ull{image.stack_start});
  append_signals(out, facts);
  append_format(out, " 0 0 0 %d 0 %d %d 0 0 0", facts.exit_signal, f.real_time_priority, f.policy);
  append_format(out, " %llu %llu %llu %llu %llu %llu %llu", ull{image.data_start}, ull{image.data_end},
                ull{image.brk_start}, ull{image.args_start}, ull{image.args_end}, ull{image.env_start},
                ull{image.env_end});
  append_format(out, " %d\n", facts.state == 'Z' ? facts.exit_status : 0);
  return out;
}

Result<std::string> show_stat(const ProcessView& view) {
  const Task& task = *view.task;
  StatFields fields;
  fields.facts = gather_facts(view);
  fields.name = task.name();
  fields.nice = task.nice.load();
  fields.policy = task.scheduling_policy.load() & ~SCHED_RESET_ON_FORK;
  fields.real_time_priority = task.scheduling_priority.load();
  fields.priority = shown_priority(task);
  fields.start_time_ns = task.start_time_ns();
  fields.resident_limit = view.group().limits().soft(RLIMIT_RSS);
  if (const auto memory = task.memory()) {
    fields.virtual_bytes = memory->totals().virtual_bytes;
    const Resident in_memory = resident(*memory);
    fields.resident_bytes = in_memory.total();
    // The host counts a thread's faults when it ends; until then each page that came into memory stands for one.
    fields.facts.own.minor_faults += static_cast<std::int64_t>(in_memory.peak / kPageSize);
    fields.image = memory->image();
  }
  return format_stat(fields);
}

Result<std::string> show_statm(const ProcessView& view) {
  const auto memory = view.task->memory();
  if (!memory) return std::string("0 0 0 0 0 0 0\n");
  const MemoryManager::Totals totals = memory->totals();
  const Resident in_memory = resident(*memory);
  const auto pages = [](std::uint64_t bytes) { return ull{bytes / kPageSize}; };
  std::string out;
  append_format(out, "%llu %llu %llu %llu 0 %llu 0\n", pages(totals.virtual_bytes), pages(in_memory.total()),
                pages(in_memory.file + in_memory.shared_memory), pages(totals.text_bytes),
                pages(totals.data_bytes + totals.stack_bytes));
  return out;
}

}  // namespace runsc
