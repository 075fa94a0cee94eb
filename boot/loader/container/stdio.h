// The open files that a process of a container begins with.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/kernel.h"
#include "boot/loader/container/console.h"
#include "boot/loader/process_config.h"
#include "boot/vfs/mount.h"

namespace runsc {

// Host descriptors that whoever starts a process donates.
struct ProcessFiles {
  std::array<UniqueFd, 3> stdio;  // an invalid one: the process finds it closed
  std::vector<UniqueFd> extra;    // its descriptors 3, 4, ..
  // With ProcessConfig::terminal: whether the terminal is that of the whole container, /dev/console, and when it ends.
  bool container_console = false;
  ConsoleLife console_life = ConsoleLife::kSlaves;
};

struct OpenedFiles {
  std::shared_ptr<FdTable> files;
  std::shared_ptr<Terminal> terminal;  // the first one among standard input, output and error, or null
  HostConsolePtr console;              // how it is shown outside; null for terminals of the host itself
};

// With config.terminal a pseudoterminal of the container takes the place of the host terminal that was donated. EINVAL:
// a descriptor of a kind that is not served.
Result<OpenedFiles> open_process_files(Kernel& kernel, const MountNamespacePtr& mounts, const ProcessConfig& config,
                                       ProcessFiles donated);

}  // namespace runsc
