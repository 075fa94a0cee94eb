// Small files about how a task runs.
#include <charconv>

#include "boot/fs/proc/process_facts.h"
#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"

namespace runsc {

// The kernel keeps no such counters.
Result<std::string> show_io(const ProcessView&) {
  return std::string(
      "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
}

Result<std::string> show_sched(const ProcessView& view) {
  const ProcessFacts facts = gather_facts(view);
  const double milliseconds = static_cast<double>(facts.own.user_ns + facts.own.system_ns) / 1e6;
  std::string out;
  append_format(out, "%s (%d, #threads: %d)\n", view.task->name().c_str(), facts.tid, facts.threads);
  out += std::string(67, '-') + "\n";
  append_format(out, "%-45s:%21.6f\n", "se.sum_exec_runtime", milliseconds);
  append_format(out, "%-45s:%21d\n", "policy", view.task->scheduling_policy.load());
  append_format(out, "%-45s:%21d\n", "prio", 120 + view.task->nice.load());
  return out;
}

Result<std::string> show_schedstat(const ProcessView& view) {
  const Usage usage = gather_facts(view).own;
  return std::to_string(usage.user_ns + usage.system_ns) + " 0 0\n";
}

Result<std::string> show_wchan(const ProcessView&) { return std::string("0"); }

Result<std::string> show_personality(const ProcessView& view) {
  std::string out;
  append_format(out, "%08x\n", view.task->personality.load());
  return out;
}

Result<std::string> show_timerslack(const ProcessView& view) {
  return std::to_string(view.task->timer_slack_ns.load()) + "\n";
}

Result<void> store_timerslack(const ProcessView& view, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return Errno(EINVAL);
  constexpr std::int64_t kDefault = 50'000;
  view.task->timer_slack_ns = value != 0 ? value : kDefault;
  return {};
}

Result<std::string> show_coredump_filter(const ProcessView&) { return std::string("00000033\n"); }

Result<std::string> show_children(const ProcessView& view) {
  std::string out;
  auto tree = view.kernel().tasks().lock();
  for (const ThreadGroupPtr& child : view.group().links(*tree).children) {
    const int pid = raw(child->pid(view.viewer()));
    if (child->links(*tree).parent_task == view.task.get() && pid != 0) append_format(out, "%d ", pid);
  }
  return out;
}

Result<std::string> show_syscall(const ProcessView&) { return std::string("running\n"); }

}  // namespace runsc
