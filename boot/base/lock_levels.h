// Every lock of the boot process, in the order in which a thread may take them: a thread that holds a lock takes only
// locks of a greater level. Builds without NDEBUG check it at run time (lock.h).
#pragma once

namespace runsc {

enum class LockLevel : int {
  kController,   // containers: by id; and the state of one container, not together with the former
  kExitNotice,   // containers: who waits for the end of one process, or for events; they are called under it
  kMountTree,    // vfs: the mounts of a mount namespace
  kRename,       // vfs: one per file system; held while directories change places
  kDirectory,    // vfs: the names of one directory while they are looked up or change; two of them only under kRename
  kFile,         // vfs: offset and status of one open file description
  kOverlay,      // fs/overlay: one per inode of an overlay, which calls the layers below it while it is held
  kInode,        // fs: one per inode; two of them only under kRename, parent first
  kDentry,       // vfs: children of one dentry
  kFsInternal,   // fs: what lies below inodes, such as the allocator of a tmpfs or one gofer connection
  kEpoll,        // fs/anon: one epoll instance; nested instances are ordered by depth and counted as one level
  kSocketTable,  // socket: names bound in an abstract namespace
  kSocket,       // socket: one endpoint; two of them ordered by address and counted as one level
  kPipe,         // fs/pipe: one buffer
  kTty,          // fs/devpts: one terminal
  kMemory,       // memory: VMAs of one address space
  kFdTable,      // kernel: descriptors of one process
  kFsContext,    // kernel: cwd, root, umask
  kFutex,        // kernel: PI futexes and robust lists
  kIpc,          // kernel: SysV and POSIX IPC objects
  kTasks,        // kernel: the tree of tasks, thread groups, sessions, and all signal state. One per kernel
  kTimer,        // kernel: the timer queue
  kHostPoller,   // kernel: which host descriptor belongs to which wait queue
  kPlatform,     // platform: agents and areas
  kWaitQueue,    // kernel: entries of one wait queue. A callback under it only sets a flag and wakes
  kLeaf,         // anything that calls nothing while it is held
};

}  // namespace runsc
