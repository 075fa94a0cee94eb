#include "boot/fs/proc/root_directory.h"

#include <dirent.h>

#include <algorithm>

#include "boot/fs/proc/descriptor_directory.h"
#include "boot/fs/proc/process_directory.h"
#include "boot/fs/proc/system_files.h"

namespace runsc {
namespace {

// self and thread-self: the text depends on who reads it.
class SelfLink : public PseudoInode {
 public:
  SelfLink(ProcFileSystem& file_system, bool thread) : PseudoInode(file_system, {S_IFLNK | 0777}), thread_(thread) {}

  // Nobody in particular has no process.
  Result<std::string> read_link() override { return Errno(ENOENT); }

  Result<std::string> read_link_for(CurrentTask& reader) override {
    const PidNamespace& viewer = *static_cast<ProcFileSystem&>(file_system()).pid_namespace();
    const int pid = raw(reader.group().pid(viewer));
    if (pid == 0) return Errno(ENOENT);
    std::string text = std::to_string(pid);
    if (thread_) text += "/task/" + std::to_string(raw(reader.task().tid(viewer)));
    return text;
  }

 private:
  const bool thread_;
};

class RootDirectory : public FixedDirectory {
 public:
  explicit RootDirectory(ProcFileSystem& file_system) : FixedDirectory(file_system, 0555) {
    add("self", std::make_shared<SelfLink>(file_system, false));
    add("thread-self", std::make_shared<SelfLink>(file_system, true));
    add_link("mounts", "self/mounts");
    add_link("net", "self/net");
    add_system_files(*this, file_system);
  }

  Result<FileAttributes> attributes() override {
    FileAttributes attributes = TRY(FixedDirectory::attributes());
    attributes.inode = 1;  // PROC_ROOT_INO
    attributes.links += static_cast<std::uint32_t>(processes().size());
    return attributes;
  }

  // The fixed entries stay: something may be mounted on them.
  CachePolicy cache_policy() const override { return CachePolicy::kRevalidate; }
  bool revalidate_child(std::string_view name, const InodePtr& child) override { return still_valid(name, child); }

  Result<InodePtr> lookup(std::string_view name) override {
    const int id = number_of(name);
    if (id <= 0) return FixedDirectory::lookup(name);
    const PidNamespacePtr& viewer = proc().pid_namespace();
    auto tree = proc().kernel().tasks().lock();
    Task* const found = viewer->find(*tree, Pid{id});
    if (found == nullptr) return Errno(ENOENT);
    const bool leads = found->group()->links(*tree).leader == found;
    ProcessRef ref = leads ? ProcessRef::process(viewer, found->group())
                           : ProcessRef::thread(viewer, found->shared_from_this(), true);
    tree.unlock();
    return InodePtr(std::make_shared<ProcessDirectory>(proc(), std::move(ref), false));
  }

  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> entries = FixedDirectory::list();
    for (const int pid : processes()) entries.push_back({std::to_string(pid), DT_DIR});
    return entries;
  }

 private:
  ProcFileSystem& proc() { return static_cast<ProcFileSystem&>(file_system()); }

  // Threads that lead no process are not listed.
  std::vector<int> processes() {
    std::vector<int> pids;
    const PidNamespace& viewer = *proc().pid_namespace();
    auto tree = proc().kernel().tasks().lock();
    for (Task* task : viewer.tasks(*tree))
      if (task->group()->links(*tree).leader == task) pids.push_back(raw(task->tid(viewer)));
    return pids;
  }
};

}  // namespace

InodePtr make_root_directory(ProcFileSystem& file_system) { return std::make_shared<RootDirectory>(file_system); }

}  // namespace runsc
