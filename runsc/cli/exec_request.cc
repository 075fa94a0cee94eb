#include "runsc/cli/exec_request.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <charconv>

#include "runsc/cli/flags.h"
#include "runsc/cli/messages.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/capabilities.h"
#include "runsc/oci/parse.h"
#include "sandbox/process_fields.h"

namespace runsc {
namespace {

std::uint32_t parse_id(const std::string& text, const char* what) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id == UINT32_MAX) {
    throw UserError(std::string("invalid ") + what + " \"" + text + "\": want a number");
  }
  return id;
}

// "UID" or "UID:GID"
void set_user(const std::string& text, oci::User& user) {
  const std::size_t colon = text.find(':');
  user.uid = parse_id(text.substr(0, colon), "user id");
  if (colon != std::string::npos) user.gid = parse_id(text.substr(colon + 1), "group id");
}

void add_capabilities(oci::Process& process) {
  for (const std::string& name : repeated_flag("cap")) {
    const auto number = oci::capability_number(name);
    if (!number) throw UserError("unknown capability \"" + name + "\"");
    const std::uint64_t bit = std::uint64_t{1} << *number;
    process.capabilities.bounding |= bit;
    process.capabilities.effective |= bit;
    process.capabilities.permitted |= bit;
    // Ambient ones have to be inheritable too, which is the container's to say.
    if ((process.capabilities.inheritable & bit) != 0) process.capabilities.ambient |= bit;
  }
}

// The last of several values counts, at the place of the first.
void add_environment(std::vector<std::string>& env) {
  for (const std::string& entry : repeated_flag("env")) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UserError("invalid environment variable \"" + entry + "\": want NAME=value");
    }
    const std::string name = entry.substr(0, equals + 1);
    const auto same = [&](const std::string& other) { return other.starts_with(name); };
    const auto found = std::find_if(env.begin(), env.end(), same);
    if (found == env.end()) {
      env.push_back(entry);
    } else {
      *found = entry;
    }
  }
}

bool is_set(const char* flag) { return !gflags::GetCommandLineFlagInfoOrDie(flag).is_default; }

void apply_flags(oci::Process& process) {
  process.terminal = FLAGS_tty;
  if (!FLAGS_cwd.empty()) process.cwd = FLAGS_cwd;
  if (process.cwd[0] != '/') throw UserError("--cwd: \"" + process.cwd + "\" is not absolute");
  if (!FLAGS_user.empty()) set_user(FLAGS_user, process.user);
  for (const std::string& gid : repeated_flag("additional_gids")) {
    process.user.additional_gids.push_back(parse_id(gid, "group id"));
  }
  if (is_set("no_new_privs")) process.no_new_privileges = FLAGS_no_new_privs;
  add_capabilities(process);
  add_environment(process.env);
}

oci::Process read_process(const std::string& path) {
  const nlohmann::json document = oci::read_json_file(path, path);
  std::vector<std::string> warnings;
  oci::Process process = oci::parse_process(oci::JsonReader(document, path), warnings);
  for (const std::string& warning : warnings) messages().warning(warning);
  return process;
}

oci::Process container_process(const ContainerState& state) {
  const nlohmann::json document = oci::read_json_file(state.bundle + "/config.json", "config.json");
  std::vector<std::string> dropped;  // said when the container was created
  return oci::parse_process(oci::JsonReader(document, "config.json").at("process"), dropped);
}

control::ProcessConfig to_config(const oci::Process& process) {
  control::ProcessConfig out;
  copy_process_fields(process, out);
  return out;
}

}  // namespace

control::ProcessConfig process_from_flags(const ContainerState& state, const std::vector<std::string>& arguments) {
  if (!FLAGS_process.empty()) return to_config(read_process(FLAGS_process));
  if (arguments.empty()) throw UserError("process args cannot be empty");
  oci::Process process = container_process(state);
  process.args = arguments;
  if (process.args[0].empty()) throw UserError("the program's name is empty");
  process.console_size.reset();
  apply_flags(process);
  return to_config(process);
}

}  // namespace runsc
