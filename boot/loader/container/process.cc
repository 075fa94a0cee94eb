#include "boot/loader/container/process.h"

#include <sched.h>

#include <algorithm>

#include "boot/kernel/control_group.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/terminal.h"
#include "boot/loader/container/executable.h"
#include "boot/loader/container/home.h"
#include "boot/loader/load_image.h"
#include "boot/loader/open_executable.h"
#include "boot/memory/memory_manager.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

constexpr std::uint32_t kDefaultUmask = 022;

CredentialsPtr make_credentials(const ProcessConfig& config) {
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

void set_scheduling(Task& task, const ProcessScheduling& scheduling) {
  task.nice = scheduling.nice;
  task.scheduling_policy = scheduling.policy | (scheduling.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
  task.scheduling_priority = scheduling.priority;
  task.io_priority = scheduling.io_priority;
}

LimitTable make_limits(const ProcessConfig& config) {
  LimitTable table = default_limits();
  for (const ContainerRlimit& limit : config.rlimits)
    if (limit.resource >= 0 && limit.resource < RLIM_NLIMITS)
      table.values[static_cast<std::size_t>(limit.resource)] = {limit.soft, limit.hard};
  return table;
}

// As the kernel: a directory that the process may not enter can still be where it begins, as with runc.
Result<VfsPath> find_cwd(WalkContext context, const std::string& path) {
  context.credentials = root_credentials();
  const VfsPath found = TRY(walk(context, WalkFrom{context.root, 0}, path));
  if (!S_ISDIR(found.dentry->inode()->type())) return Errno(ENOTDIR);
  return found;
}

Result<LoadedImage> load(Kernel& kernel, const ProcessConfig& config, const WalkContext& context,
                         const LimitTable& limits, Platform::Birthplace* birthplace, Executable executable) {
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
                     .environment = with_home(context, config),
                     .credentials = context.credentials,
                     .stack_limit = limits.values[RLIMIT_STACK].soft,
                     .limits = call_limits,
                     .randomize = true,
                     .birthplace = birthplace});
}

// Everything the task needs, before it exists.
struct Parts {
  TaskResources resources;
  LimitTable limits;
  ThreadState state;
  std::shared_ptr<Terminal> terminal;
  HostConsolePtr console;
};

StartStatus prepare(Kernel& kernel, const ProcessConfig& config, const std::string& name, const ProcessPlace& place,
                    ProcessFiles files, Parts& parts) {
  WalkContext context;
  context.root = context.cwd = place.mounts->root_path();
  context.credentials = make_credentials(config);
  context.services = &place.mounts->services();
  const Result<VfsPath> cwd = find_cwd(context, config.cwd);
  if (!cwd.ok()) return start_failure("chdir to cwd (\"" + config.cwd + "\") set in config.json failed", cwd.error());
  context.cwd = *cwd;

  parts.limits = make_limits(config);
  Result<Executable> executable = find_executable(context, config.env, name);
  if (!executable.ok()) return executable_failure(name, executable.error());
  Result<LoadedImage> image =
      load(kernel, config, context, parts.limits, place.birthplace.get(), std::move(*executable));
  if (!image.ok()) return executable_failure(name, image.error());
  Result<OpenedFiles> opened = open_process_files(kernel, place.mounts, config, std::move(files));
  if (!opened.ok()) return start_failure("standard input and output", opened.error());

  parts.state = std::move(image->state);
  parts.terminal = std::move(opened->terminal);
  parts.console = std::move(opened->console);
  parts.resources.memory = std::move(image->memory);
  parts.resources.credentials = std::move(image->credentials);
  parts.resources.name = std::move(image->name);
  parts.resources.files = std::move(opened->files);
  parts.resources.fs =
      std::make_shared<FsContext>(place.mounts, context.root, context.cwd, config.umask.value_or(kDefaultUmask));
  parts.resources.uts = place.uts;
  parts.resources.ipc = place.ipc;
  parts.resources.seccomp = place.seccomp;
  parts.state.no_native_calls = place.seccomp && !place.seccomp->allows_native_calls();
  return std::nullopt;
}

}  // namespace

MadeProcess make_process(Kernel& kernel, const ProcessConfig& config, const ProcessPlace& place, ProcessFiles files,
                         StartStatus& failure) {
  return make_process(kernel, config, config.args.front(), place, std::move(files), failure);
}

MadeProcess make_process(Kernel& kernel, const ProcessConfig& config, const std::string& path,
                         const ProcessPlace& place, ProcessFiles files, StartStatus& failure) {
  Parts parts;
  failure = prepare(kernel, config, path, place, std::move(files), parts);
  if (failure) return {};
  // The memory outlives the context.
  const std::shared_ptr<MemoryManager> memory = parts.resources.memory;
  Result<std::unique_ptr<Context>> context = memory->space().new_context(parts.state);
  if (!context.ok()) {
    failure = start_failure("start a thread", context.error());
    return {};
  }
  Kernel::NewTask parameters;
  parameters.pid_namespace = place.pid_namespace;
  parameters.control_group = place.control_group;
  parameters.limits = parts.limits;
  parameters.resources = std::move(parts.resources);
  Result<TaskPtr> task = kernel.create_task(parameters);
  if (!task.ok()) {
    failure = start_failure("create a task", task.error());
    if (task.error() == Errno(EAGAIN)) failure->kind = StartFailure::Kind::kTooMany;
    return {};
  }
  if (config.oom_score_adj) {
    (*task)->group()->oom_score_adj = *config.oom_score_adj;
    (*task)->group()->oom_score_adj_min = *config.oom_score_adj;
  }
  set_scheduling(**task, config.scheduling);
  if (config.terminal && parts.terminal) {
    auto tree = kernel.tasks().lock();
    (void)parts.terminal->acquire(*tree, *(*task)->group(), false);
  }
  return {std::make_unique<CurrentTask>(std::move(*task), std::move(*context)), std::move(parts.console)};
}

}  // namespace runsc
