// The proof of holding the lock of all task relations.
//
// One lock guards who is whose parent, thread groups, process groups, sessions, and all signal state, as Linux's
// tasklist_lock and siglock do together: the operations under it are short, and one lock cannot be taken in the wrong
// order. Functions that need it take a TaskTree&, which only the lock's Access yields:
//   auto tree = kernel.tasks().lock();  task.signals(*tree).blocked ...
#pragma once

#include <cstddef>

#include "boot/base/lock.h"

namespace runsc {

class TaskTree {
 public:
  TaskTree() = default;
  TaskTree(const TaskTree&) = delete;
  TaskTree& operator=(const TaskTree&) = delete;

  // Tasks that exist, zombies included, in all namespaces.
  std::size_t task_count = 0;
};
using TaskTreeLock = Guarded<TaskTree, LockLevel::kTasks>;

}  // namespace runsc
