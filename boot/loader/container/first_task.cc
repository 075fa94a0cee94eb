#include "boot/loader/container/first_task.h"

#include <algorithm>

#include "boot/fs/host/host_file.h"
#include "boot/fs/host/host_terminal.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/loader/container/console.h"
#include "boot/loader/container/sysctls.h"
#include "boot/loader/load_image.h"
#include "boot/loader/open_executable.h"
#include "boot/memory/memory_manager.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

constexpr std::uint32_t kDefaultUmask = 022;

CredentialsPtr make_credentials(const ContainerConfig& config) {
  auto c = std::make_shared<Credentials>();
  c->real_uid = c->effective_uid = c->saved_uid = c->fs_uid = Uid{config.uid};
  c->real_gid = c->effective_gid = c->saved_gid = c->fs_gid = Gid{config.gid};
  for (const std::uint32_t gid : config.additional_gids) c->groups.push_back(Gid{gid});
  std::sort(c->groups.begin(), c->groups.end());
  const ContainerCapabilities& sets = config.capabilities;
  c->bounding = CapabilitySet(sets.bounding);
  c->permitted = CapabilitySet(sets.permitted);
  c->effective = CapabilitySet(sets.effective);
  c->inheritable = CapabilitySet(sets.inheritable);
  c->ambient = CapabilitySet(sets.ambient);
  c->no_new_privileges = config.no_new_privileges;
  return c;
}

LimitTable make_limits(const ContainerConfig& config) {
  LimitTable table = default_limits();
  for (const ContainerRlimit& limit : config.rlimits)
    if (limit.resource >= 0 && limit.resource < RLIM_NLIMITS)
      table.values[static_cast<std::size_t>(limit.resource)] = {limit.soft, limit.hard};
  return table;
}

// Environment variable of the configuration; empty if absent.
std::string_view variable(const ContainerConfig& config, std::string_view name) {
  for (const std::string& entry : config.env)
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=')
      return std::string_view(entry).substr(name.size() + 1);
  return {};
}

struct Executable {
  FilePtr file;
  std::string path;
};

Result<Executable> open_candidate(const WalkContext& context, std::string path) {
  const VfsPath place = TRY(walk(context, WalkFrom{context.cwd, 0}, path));
  return Executable{TRY(open_for_execution(context, place)), std::move(path)};
}

// execvp(3): names without a slash are looked for in PATH.
Result<Executable> find_executable(const WalkContext& context, const ContainerConfig& config) {
  const std::string& name = config.args.front();
  if (name.find('/') != std::string::npos) return open_candidate(context, name);
  std::string_view path = variable(config, "PATH");
  Errno error(ENOENT);
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view directory = path.substr(0, colon);
    path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
    Result<Executable> found = open_candidate(context, std::string(directory.empty() ? "." : directory) + "/" + name);
    if (found.ok()) return found;
    if (found.error() == Errno(EACCES)) error = found.error();
  }
  return error;
}

// runc's words, which Docker and Podman look for.
StartFailure executable_failure(const std::string& name, Errno why) {
  const bool in_path = name.find('/') == std::string::npos;
  if (why == Errno(ENOENT) && in_path) return {"exec: \"" + name + "\": executable file not found in $PATH"};
  if (why == Errno(ENOENT)) return {"exec: \"" + name + "\": stat " + name + ": no such file or directory"};
  if (why == Errno(EACCES)) return {"exec: \"" + name + "\": permission denied"};
  if (why == Errno(ENOEXEC)) return {"exec " + name + ": exec format error"};
  return start_failure("exec " + name, why);
}

struct Stdio {
  std::shared_ptr<FdTable> files;
  std::shared_ptr<Terminal> terminal;  // of descriptor 0, or null
};

Result<Stdio> open_stdio(Kernel& kernel, std::array<UniqueFd, 3> descriptors) {
  Stdio stdio{std::make_shared<FdTable>(), nullptr};
  std::shared_ptr<HostTerminal> first;
  for (UniqueFd& descriptor : descriptors) {
    FilePtr file = TRY(open_host_file(kernel.host_poller(), std::move(descriptor)));
    if (auto terminal = std::dynamic_pointer_cast<HostTerminal>(file)) {
      if (first) terminal->share_terminal(*first);
      if (!first) first = terminal;
    }
    TRY(stdio.files->install(std::move(file), false, descriptors.size()));
  }
  if (first) stdio.terminal = first->terminal();
  return stdio;
}

// The container's own terminal three times, in front of the host's.
Result<Stdio> open_terminal(Kernel& kernel, const MountNamespacePtr& mounts, const ContainerConfig& config,
                            UniqueFd host) {
  const Console console = TRY(open_console(kernel, mounts, std::move(host), Uid{config.uid}, ConsoleLife::kSandbox));
  TRY(mount_console(mounts, console));
  Stdio stdio{std::make_shared<FdTable>(), console.terminal};
  for (int i = 0; i < 3; ++i) TRY(stdio.files->install(console.file, false, 3));
  return stdio;
}

Result<LoadedImage> load(Kernel& kernel, const ContainerConfig& config, const WalkContext& context,
                         const LimitTable& limits, Executable executable) {
  ContextOpener opener(context);
  MemoryManager::CallLimits call_limits;
  call_limits.stack = limits.values[RLIMIT_STACK].soft;
  call_limits.address_space = limits.values[RLIMIT_AS].soft;
  call_limits.data = limits.values[RLIMIT_DATA].soft;
  return load_image({.platform = kernel.platform(),
                     .opener = opener,
                     .file = std::move(executable.file),
                     .path = std::move(executable.path),
                     .arguments = config.args,
                     .environment = config.env,
                     .credentials = context.credentials,
                     .stack_limit = limits.values[RLIMIT_STACK].soft,
                     .limits = call_limits});
}

// Everything the task needs, before it exists.
struct Parts {
  TaskResources resources;
  LimitTable limits;
  ThreadState state;
  std::shared_ptr<Terminal> terminal;
};

StartStatus prepare(Kernel& kernel, const ContainerConfig& config, const MountNamespacePtr& mounts,
                    std::array<UniqueFd, 3> stdio, Parts& parts) {
  WalkContext context;
  context.root = context.cwd = mounts->root_path();
  context.credentials = make_credentials(config);
  context.services = &mounts->services();
  const Result<VfsPath> cwd = walk(context, WalkFrom{context.root, 0}, config.cwd);
  if (!cwd.ok()) return start_failure("process.cwd: \"" + config.cwd + "\"", cwd.error());
  context.cwd = *cwd;

  parts.limits = make_limits(config);
  const std::string& name = config.args.front();
  Result<Executable> executable = find_executable(context, config);
  if (!executable.ok()) return executable_failure(name, executable.error());
  Result<LoadedImage> image = load(kernel, config, context, parts.limits, std::move(*executable));
  if (!image.ok()) return executable_failure(name, image.error());
  Result<Stdio> opened = config.terminal ? open_terminal(kernel, mounts, config, std::move(stdio[0]))
                                         : open_stdio(kernel, std::move(stdio));
  if (!opened.ok()) return start_failure("standard input and output", opened.error());

  parts.state = std::move(image->state);
  parts.terminal = std::move(opened->terminal);
  parts.resources.memory = std::move(image->memory);
  parts.resources.credentials = std::move(image->credentials);
  parts.resources.name = std::move(image->name);
  parts.resources.files = std::move(opened->files);
  parts.resources.fs = std::make_shared<FsContext>(mounts, context.root, context.cwd,
                                                   config.umask.value_or(kDefaultUmask));
  parts.resources.uts = std::make_shared<UtsNamespace>(
      UtsNames{configured_name(config, "kernel.hostname", config.hostname),
               configured_name(config, "kernel.domainname", config.domainname)});
  return std::nullopt;
}

}  // namespace

std::unique_ptr<CurrentTask> make_first_task(Kernel& kernel, const ContainerConfig& config,
                                             const MountNamespacePtr& mounts, std::array<UniqueFd, 3> stdio,
                                             StartStatus& failure) {
  Parts parts;
  failure = prepare(kernel, config, mounts, std::move(stdio), parts);
  if (failure) return nullptr;
  Result<std::unique_ptr<Context>> context = parts.resources.memory->space().new_context(parts.state);
  if (!context.ok()) {
    failure = start_failure("start a thread", context.error());
    return nullptr;
  }
  Kernel::NewTask parameters;
  parameters.pid_namespace = kernel.root_pid_namespace();
  parameters.limits = parts.limits;
  parameters.resources = std::move(parts.resources);
  Result<TaskPtr> task = kernel.create_task(parameters);
  if (!task.ok()) {
    failure = start_failure("create the first task", task.error());
    return nullptr;
  }
  if (config.oom_score_adj) (*task)->group()->oom_score_adj = *config.oom_score_adj;
  if (config.terminal && parts.terminal) {
    auto tree = kernel.tasks().lock();
    (void)parts.terminal->acquire(*tree, *(*task)->group(), false);
  }
  return std::make_unique<CurrentTask>(std::move(*task), std::move(*context));
}

}  // namespace runsc
