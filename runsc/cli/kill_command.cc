#include <signal.h>

#include <cstring>

#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/control_client.h"

namespace runsc {
namespace {

// A sandbox that is as busy as it can be answers sooner.
constexpr int kPatienceSeconds = 10;

int number_of(const std::string& text) {
  std::size_t used = 0;
  int number = 0;
  try {
    number = std::stoi(text, &used);
  } catch (const std::exception&) {
  }
  return used == text.size() && number > 0 && number <= 64 ? number : 0;
}

// "TERM", "SIGTERM", "sigterm", "15", "RTMIN+1".
int parse_signal(const std::string& text) {
  if (const int number = number_of(text)) return number;
  std::string name;
  for (const char c : text) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (name.rfind("SIG", 0) == 0) name = name.substr(3);
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  if (name == "RTMIN") return 34;
  if (name == "RTMAX") return 64;
  if (name.rfind("RTMIN+", 0) == 0 && number_of(name.substr(6)) <= 30) return 34 + number_of(name.substr(6));
  if (name.rfind("RTMAX-", 0) == 0 && number_of(name.substr(6)) <= 30) return 64 - number_of(name.substr(6));
  throw UserError("unknown signal \"" + text + "\"");
}

int kill(const Words& words, const RuntimeOptions& options) {
  const int signal = parse_signal(words.size() > 1 ? words[1] : "TERM");
  ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  try {
    ControlClient(store.control_socket(state.id))
        .call((FLAGS_all ? "signal-all " : "signal ") + std::to_string(signal), kPatienceSeconds);
  } catch (const UserError&) {
    // Whatever state the sandbox is in, SIGKILL works.
    if (signal != SIGKILL) throw;
    state.boot.send(SIGKILL);
  }
  return 0;
}

}  // namespace

Command kill_command() {
  return {.name = "kill",
          .arguments = "<container-id> [signal]",
          .summary = "send a signal to a container's first process",
          .flags = {{"all", 'a'}},
          .min_words = 1,
          .max_words = 2,
          .run = kill};
}

}  // namespace runsc
