#include "boot/containers/container_hooks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "boot/base/host_call.h"
#include "boot/kernel/exit.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestOutput = 4096;  // in an error message

// The end of one process, waited for by the thread that started it.
struct Ending {
  std::atomic<int> status{-1};
  Sleeper sleeper;
};

Result<UniqueFd> memory_file(const std::string& content) {
  UniqueFd file(TRY(HOST_CALL(::memfd_create("hook", MFD_CLOEXEC))));
  // At its start for the reader.
  const ssize_t count = ::pwrite(file.get(), content.data(), content.size(), 0);
  if (count != static_cast<ssize_t>(content.size())) return Errno(EIO);
  return file;
}

struct HookFiles {
  ProcessFiles donated;
  UniqueFd output, errors;  // copies of what it writes to
};

Result<HookFiles> make_files(const std::string& state) {
  HookFiles files;
  files.donated.stdio[0] = TRY(memory_file(state));
  files.donated.stdio[1] = TRY(memory_file(""));
  files.donated.stdio[2] = TRY(memory_file(""));
  files.output = UniqueFd(TRY(HOST_CALL(::fcntl(files.donated.stdio[1].get(), F_DUPFD_CLOEXEC, 0))));
  files.errors = UniqueFd(TRY(HOST_CALL(::fcntl(files.donated.stdio[2].get(), F_DUPFD_CLOEXEC, 0))));
  return files;
}

std::string content_of(const UniqueFd& file) {
  std::string text(kLongestOutput, '\0');
  const ssize_t count = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

ProcessConfig process_of(const ContainerConfig& config, const ContainerHook& hook) {
  ProcessConfig process = config;
  process.terminal = false;
  process.args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  process.env = hook.env;
  return process;
}

// -1: it was killed, having taken longer than `timeout`.
int wait_for_end(Kernel& kernel, ThreadGroup& group, Ending& ending, std::optional<int> timeout) {
  OptionalDeadline deadline;
  if (timeout) deadline = Deadline::after(*timeout * kNanosecondsPerSecond);
  bool late = false;
  for (;;) {
    const std::uint32_t ticket = ending.sleeper.prepare();
    const int status = ending.status.load(std::memory_order_acquire);
    if (status >= 0) return late ? -1 : status;
    if (ending.sleeper.sleep(ticket, deadline).ok()) continue;
    late = true;
    deadline.reset();
    auto tree = kernel.tasks().lock();
    kill_group(*tree, group, SIGKILL);
  }
}

StartStatus run_hook(Kernel& kernel, ExitTable& exits, const ContainerConfig& config, const ContainerHook& hook,
                     const ProcessPlace& place, const std::string& name) {
  Result<HookFiles> files = make_files(config.hook_state);
  if (!files.ok()) return start_failure(name, files.error());
  StartStatus failed;
  auto task = make_process(kernel, process_of(config, hook), hook.path, place, std::move(files->donated), failed).task;
  if (!task) return StartFailure{name + ": " + failed->message, failed->kind};
  const ThreadGroupPtr group = task->task().group();
  const auto ending = std::make_shared<Ending>();
  exits.expect(*group, [ending](int status) {
    ending->status.store(status, std::memory_order_release);
    ending->sleeper.wake();
  });
  kernel.start(std::move(task));
  const int status = wait_for_end(kernel, *group, *ending, hook.timeout);
  if (status == 0) return std::nullopt;
  if (status < 0) return StartFailure{name + ": it ran longer than " + std::to_string(*hook.timeout) + " s"};
  return StartFailure{name + ": " + describe(status) + ", stdout: " + content_of(files->output) +
                      ", stderr: " + content_of(files->errors)};
}

}  // namespace

StartStatus run_start_hooks(Kernel& kernel, ExitTable& exits, const ContainerConfig& config,
                            const ProcessPlace& place) {
  for (std::size_t i = 0; i < config.start_container_hooks.size(); ++i) {
    const ContainerHook& hook = config.start_container_hooks[i];
    const std::string name = "error running startContainer hook #" + std::to_string(i);
    if (auto failed = run_hook(kernel, exits, config, hook, place, name)) return failed;
  }
  return std::nullopt;
}

}  // namespace runsc
