// The program: one file that is the front end, the boot process and the gofer.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "control/transport/library_words.h"
#include "runsc/cli/command.h"
#include "runsc/cli/global_options.h"
#include "runsc/cli/help.h"
#include "runsc/cli/messages.h"
#include "runsc/common/sanitizer_reports.h"
#include "runsc/common/user_error.h"
#include "sandbox/boot_process.h"
#include "sandbox/gofer_process.h"

namespace runsc {
namespace {

constexpr int kNoSuchCommand = 3;

const Command& find_command(const std::string& name) {
  const auto& commands = all_commands();
  const auto found =
      std::find_if(commands.begin(), commands.end(), [&](const Command& command) { return name == command.name; });
  if (found == commands.end()) throw UserError("unknown command \"" + name + "\"; see `runsc help`", kNoSuchCommand);
  return *found;
}

// "requires exactly 1 argument(s)"
std::string expectation(const Command& command) {
  if (command.min_words == command.max_words)
    return "requires exactly " + std::to_string(command.min_words) + " argument(s)";
  const std::string minimum = std::to_string(command.min_words);
  if (command.max_words == kAnyNumber) return "requires a minimum of " + minimum + " argument(s)";
  return "requires " + minimum + " to " + std::to_string(command.max_words) + " argument(s)";
}

int run_named(const Command& command, const Words& words, std::size_t next, const RuntimeOptions& options) {
  std::vector<FlagName> flags = command.flags;
  flags.push_back({"help", 'h', "help_wanted"});
  next = parse_flags(words, next, flags);
  if (FLAGS_help_wanted) return print_command_help(command);
  const Words rest(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  if (rest.size() < command.min_words || rest.size() > command.max_words) {
    throw UserError(std::string("\"") + command.name + "\" " + expectation(command) + "; usage: runsc " + command.name +
                    " [flags] " + command.arguments);
  }
  return command.run(rest, options);
}

int run_help(const Words& words) {
  if (words.empty()) return print_help();
  return print_command_help(find_command(words[0]));
}

int run_command_line(const Words& words) {
  const std::size_t next = parse_flags(words, 0, global_flags());
  if (FLAGS_version_wanted) return print_version();
  RuntimeOptions options = options_from_flags();
  messages() = Messages(FLAGS_log, options.log_format);
  if (options.debug) options.log_fd = messages().log_fd();
  if (FLAGS_help_wanted || next == words.size()) return print_help();
  const std::string& name = words[next];
  const Words rest(words.begin() + static_cast<std::ptrdiff_t>(next) + 1, words.end());
  if (name == "help" || name == "h") return run_help(rest);
  if (name == "version") return print_version();
  // Callers take what is on standard error for the reason of a failure.
  const control::LibraryWords library([debug = options.debug](const std::string& text) {
    if (debug) messages().warning(text);
  });
  return run_named(find_command(name), words, next + 1, options);
}

// The names under which the program executes itself. They come before everything else: no flag, no file and no
// environment variable of a caller has a say in the contained processes.
int run_program(const Words& words) {
  const Words rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (!words.empty() && words[0] == "boot") run_boot(rest);
  if (!words.empty() && words[0] == "gofer") return run_gofer_process(rest);
  redirect_sanitizer_reports();
  return run_command_line(words);
}

}  // namespace

Messages& messages() {
  static Messages instance;
  return instance;
}

}  // namespace runsc

int main(int argc, char** argv) {
  try {
    return runsc::run_program(runsc::Words(argv + std::min(argc, 1), argv + argc));
  } catch (const runsc::UserError& error) {
    runsc::messages().error(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    runsc::messages().error(std::string("internal error: ") + error.what());
    return 1;
  }
}
