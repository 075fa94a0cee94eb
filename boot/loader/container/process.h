// A process of a container that nobody inside has forked: its first one, those of exec, and hooks.
#pragma once

#include <memory>

#include "boot/kernel/kernel.h"
#include "boot/kernel/seccomp_filters.h"
#include "boot/loader/container/failure.h"
#include "boot/loader/container/stdio.h"
#include "boot/loader/process_config.h"
#include "boot/vfs/mount.h"

namespace runsc {

// What it shares with the others of its container.
struct ProcessPlace {
  MountNamespacePtr mounts;
  PidNamespacePtr pid_namespace;
  UtsNamespacePtr uts;
  std::shared_ptr<IpcNamespace> ipc;
  std::shared_ptr<ControlGroup> control_group;
  SeccompFiltersPtr seccomp;  // null: none
  // Where its host processes come from; null: where those of the first container do.
  std::shared_ptr<Platform::Birthplace> birthplace;
};

struct MadeProcess {
  std::unique_ptr<CurrentTask> task;  // null: it could not be made
  // How its terminal is shown outside, or null. When the process has ended and before whoever waits for that hears of
  // it: HostConsole::drain(), so that its last words are outside.
  HostConsolePtr console;
};

// Loads the program and makes the task, ready for Kernel::start(): the leader of a new session and child of nobody,
// with the donated files as its descriptors. With config.terminal the terminal among them controls it. As runc does,
// the working directory must exist, and HOME is taken from the container's /etc/passwd if it is not set. No task and
// `failure` if it cannot run; nothing is left behind then.
MadeProcess make_process(Kernel& kernel, const ProcessConfig& config, const ProcessPlace& place, ProcessFiles files,
                         StartStatus& failure);
// The same, running the program `path` whatever args[0] says.
MadeProcess make_process(Kernel& kernel, const ProcessConfig& config, const std::string& path,
                         const ProcessPlace& place, ProcessFiles files, StartStatus& failure);

}  // namespace runsc
