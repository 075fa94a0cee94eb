// The namespaces that hold nothing but names and numbers (namespaces(7)): pid and uts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/user_namespace.h"

namespace runsc {

class ProcessGroup;
class Session;
class Task;
class TaskTree;

// pid_namespaces(7). Fields are reached with the task tree's lock held.
class PidNamespace {
 public:
  explicit PidNamespace(std::shared_ptr<PidNamespace> parent, UserNamespacePtr owner = nullptr)
      : parent_(std::move(parent)), owner_(std::move(owner)) {}

  const std::shared_ptr<PidNamespace>& parent() const { return parent_; }
  const UserNamespacePtr& owner() const { return owner_; }
  // How many ancestors it has.
  int level() const { return parent_ ? parent_->level() + 1 : 0; }

  // The next free id above the last one, wrapping at kPidMax. EAGAIN: all are in use.
  Result<Pid> allocate(TaskTree& tree);
  void add(TaskTree& tree, Pid id, Task* task);
  // Frees the id unless a process group or session still bears it.
  void remove(TaskTree& tree, Pid id);
  // Null when there is none. Tasks stay findable as zombies until they are reaped.
  Task* find(TaskTree& tree, Pid id) const;
  // All tasks, by id.
  std::vector<Task*> tasks(TaskTree& tree) const;
  std::size_t size(TaskTree& tree) const;
  // The task that reaps orphans and whose death ends the namespace; null before it exists and after it died.
  Task* init(TaskTree& tree) const;
  // Whether it had an init that is gone: nothing new can be created in it.
  bool init_died(TaskTree& tree) const { return last_ != 0 && init(tree) == nullptr; }

  // Process groups and sessions register under the id of their leader.
  void add_group(TaskTree& tree, Pid id, ProcessGroup* group);
  void remove_group(TaskTree& tree, Pid id);
  ProcessGroup* find_group(TaskTree& tree, Pid id) const;

  static constexpr int kPidMax = 32768;

 private:
  std::shared_ptr<PidNamespace> parent_;
  const UserNamespacePtr owner_;
  std::map<Pid, Task*> tasks_;
  std::map<Pid, ProcessGroup*> groups_;
  int last_ = 0;
};
using PidNamespacePtr = std::shared_ptr<PidNamespace>;

// uts_namespaces(7).
struct UtsNames {
  std::string host;
  std::string domain;
  UserNamespacePtr owner = nullptr;
};
using UtsNamespace = Guarded<UtsNames, LockLevel::kLeaf>;
using UtsNamespacePtr = std::shared_ptr<UtsNamespace>;

}  // namespace runsc
