#include "runsc/cli/command.h"

namespace runsc {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = {
      run_command(),     create_command(),   start_command(),    exec_command(),       do_command(),
      spec_command(),    list_command(),     state_command(),    ps_command(),         kill_command(),
      pause_command(),   resume_command(),   wait_command(),     delete_command(),     events_command(),
      update_command(),  debug_command(),    features_command(), checkpoint_command(), restore_command(),
      install_command(), uninstall_command()};
  return commands;
}

}  // namespace runsc
