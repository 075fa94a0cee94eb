// A terminal for a process from outside: the first one of a container, and those of exec.
#pragma once

#include <memory>

#include "boot/abi/ids.h"
#include "boot/base/unique_fd.h"
#include "boot/fs/devpts/host_consoles.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/terminal.h"
#include "boot/vfs/mount.h"

namespace runsc {

struct Console {
  // The open slave: descriptors 0, 1 and 2 of the process share it. Its path is /dev/pts/N of the container.
  FilePtr file;
  // For Terminal::acquire(), once the process leads its session.
  std::shared_ptr<Terminal> terminal;
  // How it is shown outside. When the process has ended and before whoever waits for that hears of it:
  // HostConsole::drain(), so that its last words are outside.
  HostConsolePtr shown;
};

// A new pseudoterminal in the devpts that `mounts` has at /dev/pts (in one of its own, without a path, if there is
// none), shown on the host terminal `host`. The node belongs to `owner`. ENOSPC: too many pseudoterminals; ENOTTY:
// `host` is no terminal.
Result<Console> open_console(Kernel& kernel, const MountNamespacePtr& mounts, UniqueFd host, Uid owner,
                             ConsoleLife life);

// Shows the console at /dev/console, too. ENOENT: the container has no such file to mount it on.
Result<void> mount_console(const MountNamespacePtr& mounts, const Console& console);

}  // namespace runsc
