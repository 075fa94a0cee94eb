// What all containers of a sandbox share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "boot/containers/event_hub.h"
#include "boot/containers/exit_notice.h"
#include "boot/containers/gofer_watch.h"
#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

struct ContainerEnvironment {
  Kernel& kernel;
  VfsServicesPtr services;
  ExitTable exits;
  GoferWatch gofers;
  std::shared_ptr<EventHub> events = std::make_shared<EventHub>();
  // The sandbox ends with its first container: called, with the wait status, on the thread of that container's first
  // process.
  std::string first_id;
  std::function<void(int status)> on_first_end;
};

}  // namespace runsc
