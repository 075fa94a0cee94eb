#include "boot/loader/container/stdio.h"

#include "boot/fs/host/host_file.h"
#include "boot/fs/host/host_terminal.h"

namespace runsc {
namespace {

// Descriptors are few: their numbers are the table's own limit.
constexpr std::uint64_t kNoLimit = 1 << 20;

Result<void> put(FdTable& files, int number, FilePtr file) {
  (void)TRY(files.replace(Fd{number}, std::move(file), false, kNoLimit));
  return {};
}

// The container's own terminal three times, in front of the host's.
Result<void> open_terminal(Kernel& kernel, const MountNamespacePtr& mounts, const ProcessConfig& config,
                           ProcessFiles& donated, OpenedFiles& opened) {
  const Console console =
      TRY(open_console(kernel, mounts, std::move(donated.stdio[0]), Uid{config.uid}, donated.console_life));
  if (donated.container_console) TRY(mount_console(mounts, console));
  opened.terminal = console.terminal;
  opened.console = console.shown;
  for (int number = 0; number < 3; ++number) TRY(put(*opened.files, number, console.file));
  return {};
}

Result<void> open_streams(Kernel& kernel, ProcessFiles& donated, OpenedFiles& opened) {
  std::shared_ptr<HostTerminal> first;
  int number = 0;
  for (UniqueFd& descriptor : donated.stdio) {
    const int at = number++;
    if (!descriptor.valid()) continue;
    FilePtr file = TRY(open_host_file(kernel.host_poller(), std::move(descriptor)));
    if (auto terminal = std::dynamic_pointer_cast<HostTerminal>(file)) {
      if (first) terminal->share_terminal(*first);
      if (!first) first = terminal;
    }
    TRY(put(*opened.files, at, std::move(file)));
  }
  if (first) opened.terminal = first->terminal();
  return {};
}

}  // namespace

Result<OpenedFiles> open_process_files(Kernel& kernel, const MountNamespacePtr& mounts, const ProcessConfig& config,
                                       ProcessFiles donated) {
  OpenedFiles opened{std::make_shared<FdTable>(), nullptr, nullptr};
  if (config.terminal) {
    TRY(open_terminal(kernel, mounts, config, donated, opened));
  } else {
    TRY(open_streams(kernel, donated, opened));
  }
  int number = static_cast<int>(donated.stdio.size());
  for (UniqueFd& descriptor : donated.extra)
    TRY(put(*opened.files, number++, TRY(open_host_file(kernel.host_poller(), std::move(descriptor)))));
  return opened;
}

}  // namespace runsc
