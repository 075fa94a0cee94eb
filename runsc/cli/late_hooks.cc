#include "runsc/cli/late_hooks.h"

#include "runsc/cli/messages.h"
#include "runsc/common/user_error.h"
#include "sandbox/hooks.h"

namespace runsc {

void run_poststart_hooks(const ContainerState& state) {
  run_hooks("poststart", state.poststart, oci_state_json(state, Status::kRunning));
}

void run_poststop_hooks(const std::vector<oci::Hook>& hooks, const std::string& state_json) {
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    try {
      run_hook("poststop", i, hooks[i], state_json);
    } catch (const UserError& error) {
      messages().warning(error.what());
    }
  }
}

}  // namespace runsc
