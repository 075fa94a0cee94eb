// The commands of the program.
#pragma once

#include <string>
#include <vector>

#include "runsc/cli/flags.h"
#include "sandbox/options.h"

namespace runsc {

using Words = std::vector<std::string>;

struct Command {
  const char* name;
  const char* arguments;  // "<container-id>"
  const char* summary;
  std::vector<FlagName> flags;
  std::size_t min_words;
  std::size_t max_words;
  // Runs with its flags set. `words` are what follows the flags. Returns the exit status of the program; throws
  // UserError.
  int (*run)(const Words& words, const RuntimeOptions& options);
};

// One file each.
Command run_command();
Command create_command();
Command start_command();
Command exec_command();
Command do_command();
Command spec_command();
Command list_command();
Command state_command();
Command kill_command();
Command delete_command();
Command events_command();
Command update_command();
Command debug_command();
Command ps_command();
Command pause_command();
Command resume_command();
Command wait_command();
Command features_command();
Command checkpoint_command();
Command restore_command();
Command install_command();
Command uninstall_command();

// All of them, in the order of `help`.
const std::vector<Command>& all_commands();

inline constexpr std::size_t kAnyNumber = ~std::size_t{0};

}  // namespace runsc
