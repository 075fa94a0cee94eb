#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "runsc/cli/command.h"
#include "runsc/cli/run_container.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/capabilities.h"
#include "runsc/oci/default_spec.h"
#include "runsc/oci/parse.h"

extern char** environ;

namespace runsc {
namespace {

// All capabilities inside: the point is to try a program as root without changing the host.
nlohmann::json all_capabilities() {
  nlohmann::json out = nlohmann::json::array();
  for (int i = 0; i < oci::kCapabilityCount; ++i) out.push_back(oci::capability_name(i));
  return out;
}

nlohmann::json make_document(const Words& words) {
  nlohmann::json document = oci::default_spec(false);
  nlohmann::json& process = document["process"];
  process["args"] = words;
  process["terminal"] = ::isatty(0) != 0 && ::isatty(1) != 0;
  process["cwd"] = FLAGS_cwd.empty() ? std::filesystem::current_path().string() : FLAGS_cwd;
  process["noNewPrivileges"] = false;
  process["env"] = nlohmann::json::array();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (text.find('=') != std::string::npos && text[0] != '=') process["env"].push_back(text);
  }
  for (const char* set : {"bounding", "effective", "permitted"}) process["capabilities"][set] = all_capabilities();
  document["root"]["readonly"] = false;
  document["hostname"] = "runsc-do";
  document["linux"].erase("maskedPaths");
  document["linux"].erase("readonlyPaths");
  return document;
}

int run_do(const Words& words, const RuntimeOptions& given) {
  RunRequest request;
  request.id = "runsc-do-" + std::to_string(::getpid());
  request.bundle = "/";
  request.spec = oci::parse_spec(make_document(words));
  request.spec.root.path = "/";
  RuntimeOptions options = given;
  // The host's files, seen and not touched: what is written goes to memory, and they change while we look.
  options.overlay = {.kind = OverlayKind::kMemory, .unless_mounted = false, .directory = "", .all_gofer_mounts = true};
  options.file_access = FileAccess::kShared;
  options.cgroup_driver = CgroupDriver::kNone;
  return run_container(std::move(request), options);
}

}  // namespace

Command do_command() {
  return {.name = "do",
          .arguments = "<program> [arguments]",
          .summary = "run a program over the host's files, which it can read and not change",
          .flags = {{"cwd"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .run = run_do};
}

}  // namespace runsc
