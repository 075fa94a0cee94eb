// HOME of a process whose configuration does not set it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boot/loader/process_config.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

// The environment of `config`, with HOME added from the /etc/passwd that `context` shows; "/" for users who are not in
// it. As runc does.
std::vector<std::string> with_home(const WalkContext& context, const ProcessConfig& config);

// The home directory of `uid` in a text in the format of passwd(5); empty: none.
std::string home_in_passwd(std::string_view text, std::uint32_t uid);

}  // namespace runsc
