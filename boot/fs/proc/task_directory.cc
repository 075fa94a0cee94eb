#include "boot/fs/proc/task_directory.h"

#include <dirent.h>

#include "boot/fs/proc/descriptor_directory.h"
#include "boot/fs/proc/process_directory.h"

namespace runsc {
namespace {

class TaskDirectory : public ProcessInode<PseudoDirectory> {
 public:
  TaskDirectory(ProcFileSystem& file_system, ProcessRef ref)
      : ProcessInode(file_system, std::move(ref), S_IFDIR | 0555) {}

  Result<FileAttributes> attributes() override {
    FileAttributes attributes = TRY(ProcessInode::attributes());
    attributes.links += static_cast<std::uint32_t>(list().size());
    return attributes;
  }

  CachePolicy cache_policy() const override { return CachePolicy::kRevalidate; }
  bool revalidate_child(std::string_view name, const InodePtr& child) override { return still_valid(name, child); }

  Result<InodePtr> lookup(std::string_view name) override {
    const int id = number_of(name);
    const ThreadGroupPtr group = ref().group();
    if (id <= 0 || !group) return Errno(ENOENT);
    auto tree = group->kernel().tasks().lock();
    Task* const task = ref().viewer()->find(*tree, Pid{id});
    if (task == nullptr || task->group() != group) return Errno(ENOENT);
    auto thread = ProcessRef::thread(ref().viewer(), task->shared_from_this(), false);
    tree.unlock();
    return InodePtr(std::make_shared<ProcessDirectory>(proc(), std::move(thread), true));
  }

  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> entries;
    const ThreadGroupPtr group = ref().group();
    if (!group) return entries;
    auto tree = group->kernel().tasks().lock();
    for (const TaskPtr& task : group->links(*tree).tasks)
      entries.push_back({std::to_string(raw(task->tid(*ref().viewer()))), DT_DIR});
    return entries;
  }
};

}  // namespace

InodePtr make_task_directory(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<TaskDirectory>(file_system, ref);
}

}  // namespace runsc
