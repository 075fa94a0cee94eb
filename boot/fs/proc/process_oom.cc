#include <linux/capability.h>

#include <charconv>

#include "boot/fs/proc/process_texts.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

constexpr int kMin = -1000, kMax = 1000;        // OOM_SCORE_ADJ_*
constexpr int kOldMax = 15, kOldDisable = -17;  // OOM_ADJUST_MAX, OOM_DISABLE

Result<int> parse(std::string_view text, int least, int most) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return Errno(EINVAL);
  return value;
}

Result<void> store(ThreadGroup& group, int value) {
  const Task* const writer = task_of_this_thread();
  const CredentialsPtr credentials = writer != nullptr ? writer->credentials() : nullptr;
  const bool capable = credentials != nullptr && credentials->has(CAP_SYS_RESOURCE);
  if (value < group.oom_score_adj_min.load() && !capable) return Errno(EACCES);
  group.oom_score_adj = value;
  if (capable) group.oom_score_adj_min = value;
  return {};
}

}  // namespace

// The host's OOM killer does not see the processes of the sandbox apart: what Linux shows for one of little memory.
Result<std::string> show_oom_score(const ProcessView& view) {
  return std::to_string((kMax + view.group().oom_score_adj.load()) * 2 / 3) + "\n";
}

Result<std::string> show_oom_score_adj(const ProcessView& view) {
  return std::to_string(view.group().oom_score_adj.load()) + "\n";
}

Result<void> store_oom_score_adj(const ProcessView& view, std::string_view text) {
  return store(view.group(), TRY(parse(text, kMin, kMax)));
}

Result<std::string> show_oom_adj(const ProcessView& view) {
  const int score = view.group().oom_score_adj.load();
  return std::to_string(score == kMax ? kOldMax : score * -kOldDisable / kMax) + "\n";
}

Result<void> store_oom_adj(const ProcessView& view, std::string_view text) {
  const int value = TRY(parse(text, kOldDisable, kOldMax));
  return store(view.group(), value == kOldMax ? kMax : value * kMax / -kOldDisable);
}

}  // namespace runsc
