#include <fcntl.h>
#include <unistd.h>

#include "boot/base/unique_fd.h"
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/default_spec.h"

namespace runsc {
namespace {

int spec(const Words&, const RuntimeOptions& options) {
  const std::string path = FLAGS_bundle + "/config.json";
  const std::string text = oci::default_spec(FLAGS_spec_rootless || options.rootless).dump(1, '\t') + "\n";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd && errno == EEXIST) throw UserError("File config.json exists. Remove it first");
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw_system_error("write " + path);
  }
  return 0;
}

}  // namespace

Command spec_command() {
  return {.name = "spec",
          .arguments = "",
          .summary = "write a config.json to start from",
          .flags = {{"bundle", 'b'}, {"rootless", 0, "spec_rootless"}},
          .min_words = 0,
          .max_words = 0,
          .run = spec};
}

}  // namespace runsc
