// VfsServices: what the mounts of one sandbox share. Reached through FsContext::mounts()->services().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "boot/base/lock.h"
#include "boot/vfs/file_locks.h"
#include "boot/vfs/inode_twins.h"
#include "boot/vfs/special_files.h"

namespace runsc {

class ControlGroup;
class PidNamespace;
struct IpcNamespace;

// What mount(2) gives to a file system type.
struct MountRequest {
  std::string source;
  std::string options;  // the data argument: "size=1m,mode=755"
  unsigned long flags = 0;
  // What proc, cgroup and mqueue show when no task mounts them: of the container that the loader prepares.
  std::shared_ptr<PidNamespace> pid_namespace{};
  std::shared_ptr<ControlGroup> control_group{};
  std::shared_ptr<IpcNamespace> ipc{};
};
// EINVAL: an option that it does not know. `task` mounts; null while the loader prepares a container.
using FileSystemFactory = std::function<Result<FileSystemPtr>(CurrentTask* task, const MountRequest& request)>;

// The types that mount(2) knows, for /proc/filesystems too. Thread-safe.
class FileSystemRegistry {
 public:
  // `user_mountable`: mount(2) of the application may name it, not only the loader.
  void add(std::string type, bool user_mountable, FileSystemFactory factory);
  // ENODEV: unknown type; EPERM: not for applications (task given).
  Result<FileSystemPtr> make(CurrentTask* task, std::string_view type, const MountRequest& request) const;
  std::vector<std::string> types() const;

 private:
  struct Type {
    bool user_mountable;
    FileSystemFactory factory;
  };
  Guarded<std::map<std::string, Type, std::less<>>, LockLevel::kLeaf> types_;
};

// What /sys/class/net shows of an interface (netdevice(7)).
struct NetworkInterface {
  int index = 0;
  unsigned flags = 0;  // IFF_*
  unsigned type = 0;   // ARPHRD_*
  unsigned mtu = 0;
  unsigned queue_length = 0;
  std::array<std::uint8_t, 6> address{};
};

// Filled while the sandbox starts; members are thread-safe or constant afterwards.
struct VfsServices {
  DeviceRegistry devices;
  FileSystemRegistry file_systems;
  FifoOpener open_fifo;  // ENXIO while empty
  // An unlinked regular file in memory, readable and writable: memfd_create(2) (`seals`: F_ADD_SEALS is possible), and
  // shared anonymous memory (`size` in bytes). boot/fs/tmpfs registers itself. ENOSYS while empty.
  std::function<Result<FilePtr>(std::string_view name, std::uint64_t size, bool seals)> make_memory_file;
  // Sets what /proc/sys shows under `name` ("net.ipv4.ip_forward"), for the OCI configuration: EINVAL for a bad value,
  // ENOENT for an unknown name, EPERM for one that never changes. boot/fs/proc registers itself.
  std::function<Result<void>(std::string_view name, std::string_view value)> set_sysctl;
  // What /proc/sys shows there, without the end of the line. ENOENT. Empty: not registered.
  std::function<Result<std::string>(std::string_view name)> get_sysctl;
  // The text of a table of /proc/net. ENOENT: not known. Empty: there is no network.
  std::function<Result<std::string>(const std::string& name)> network_table;
  // ENODEV: there is none of that name. Empty: there is no network.
  std::function<Result<NetworkInterface>(const std::string& name)> network_interface;
  LockWaits lock_waits;
  const std::shared_ptr<InodeTwins> inode_twins = std::make_shared<InodeTwins>();
  std::atomic<int> next_mount_id{1};
  std::atomic<std::uint32_t> next_rename_cookie{1};  // of IN_MOVED_FROM and IN_MOVED_TO
};
using VfsServicesPtr = std::shared_ptr<VfsServices>;

}  // namespace runsc
