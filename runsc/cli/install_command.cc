// Tells Docker and containerd of this runtime.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "runsc/install/containerd_config.h"
#include "runsc/install/docker_config.h"
#include "sandbox/state.h"

namespace runsc {
namespace {

namespace fs = std::filesystem;

constexpr const char kDockerConfig[] = "/etc/docker/daemon.json";
constexpr const char kContainerdConfig[] = "/etc/containerd/config.toml";

using Edit = std::function<std::string(const std::string& text)>;

// The files that the caller names; without any, those of what is installed here. Empty: none.
struct Paths {
  std::string docker;
  std::string containerd;
};

Paths paths_to_edit() {
  if (!FLAGS_docker_config.empty() || !FLAGS_containerd_config.empty()) {
    return {FLAGS_docker_config, FLAGS_containerd_config};
  }
  Paths paths;
  const bool docker = fs::exists("/etc/docker") || fs::exists("/usr/bin/dockerd") || fs::exists("/usr/sbin/dockerd");
  if (docker) paths.docker = kDockerConfig;
  if (fs::exists("/etc/containerd")) paths.containerd = kContainerdConfig;
  if (paths.docker.empty() && paths.containerd.empty()) {
    throw UserError(
        "neither Docker nor containerd is installed: name a file with --docker-config or --containerd-config");
  }
  return paths;
}

std::string read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file && errno != ENOENT) throw_system_error("open " + path);
  return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "";
}

// Through symbolic links, with the owner and mode that it has.
void write_config(const std::string& path, const std::string& text) {
  std::error_code ignored;
  fs::create_directories(fs::path(path).parent_path(), ignored);
  const fs::path real = fs::exists(path) ? fs::canonical(path) : fs::path(path);
  struct stat status {};
  const bool exists = ::stat(real.c_str(), &status) == 0;
  write_atomically(real, text, exists ? status.st_mode & 07777 : 0644, Keeping::kForGood);
  if (exists && ::chown(real.c_str(), status.st_uid, status.st_gid) != 0) throw_system_error("change owner of " + path);
}

// `done` is what has been done to the runtime, `advice` how it takes effect.
void edit_file(const std::string& path, const Edit& edit, const char* done, const char* advice) {
  if (path.empty()) return;
  const std::string before = read_config(path);
  std::string after;
  try {
    after = edit(before);
  } catch (const UserError& error) {
    throw UserError(path + ": " + error.what());
  }
  if (after == before) {
    std::printf("%s: nothing to do\n", path.c_str());
    return;
  }
  write_config(path, after);
  std::printf("%s: runtime \"%s\" %s; %s\n", path.c_str(), FLAGS_runtime.c_str(), done, advice);
}

// Names end up as keys in files of others.
void check_runtime_name() {
  const auto valid = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; };
  if (FLAGS_runtime.empty() || !std::all_of(FLAGS_runtime.begin(), FLAGS_runtime.end(), valid)) {
    throw UserError("invalid runtime name \"" + FLAGS_runtime + "\": want letters, digits, '-' and '_'");
  }
}

void edit_all(const char* done, const Edit& docker, const Edit& containerd) {
  check_runtime_name();
  const Paths paths = paths_to_edit();
  edit_file(paths.docker, docker, done, "to take effect: systemctl reload docker");
  edit_file(paths.containerd, containerd, done, "to take effect: systemctl restart containerd");
}

int install(const Words& words, const RuntimeOptions&) {
  const std::string program = fs::read_symlink("/proc/self/exe");
  if (!words.empty() && !FLAGS_containerd_config.empty()) {
    throw UserError("containerd's shim for runc has no arguments for its runtime: leave out \"" + words[0] + "\"");
  }
  edit_all(
      "added",  //
      [&](const std::string& text) { return add_to_docker_config(text, FLAGS_runtime, program, words); },
      [&](const std::string& text) { return add_to_containerd_config(text, FLAGS_runtime, program); });
  return 0;
}

int uninstall(const Words&, const RuntimeOptions&) {
  edit_all(
      "removed", [](const std::string& text) { return remove_from_docker_config(text, FLAGS_runtime); },
      [](const std::string& text) { return remove_from_containerd_config(text, FLAGS_runtime); });
  return 0;
}

std::vector<FlagName> config_flags() { return {{"runtime"}, {"docker-config"}, {"containerd-config"}}; }

}  // namespace

Command install_command() {
  return {.name = "install",
          .arguments = "[arguments of the runtime, for Docker]",
          .summary = "add this runtime to the configuration of Docker and containerd",
          .flags = config_flags(),
          .min_words = 0,
          .max_words = kAnyNumber,
          .run = install};
}

Command uninstall_command() {
  return {.name = "uninstall",
          .arguments = "",
          .summary = "take this runtime out of the configuration of Docker and containerd",
          .flags = config_flags(),
          .min_words = 0,
          .max_words = 0,
          .run = uninstall};
}

}  // namespace runsc
