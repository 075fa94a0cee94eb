#include <cstdio>

#include "runsc/cli/command.h"
#include "runsc/cli/values.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_events.h"

namespace runsc {
namespace {

void print_line(const std::string& text) {
  // Its reader is a program that wants each as it happens; one that is gone wants no more.
  if (std::puts(text.c_str()) < 0 || std::fflush(stdout) != 0) throw UserError("the events' reader is gone");
}

int events(const Words& words, const RuntimeOptions& options) {
  const auto interval = parse_duration("interval", FLAGS_interval);
  const ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (interval.count() <= 0) throw UserError("duration interval must be greater than 0");
  if (FLAGS_stats) {
    print_line(stats_event(store, state));
  } else {
    follow_events(store, state, interval, print_line);
  }
  return 0;
}

}  // namespace

Command events_command() {
  return {.name = "events",
          .arguments = "<container-id>",
          .summary = "show what a container uses, and when it runs out of memory, as JSON lines",
          .flags = {{"interval"}, {"stats"}},
          .min_words = 1,
          .max_words = 1,
          .run = events};
}

}  // namespace runsc
