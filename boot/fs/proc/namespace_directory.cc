#include "boot/fs/proc/namespace_directory.h"

#include <dirent.h>
#include <sched.h>

#include <array>

#include "boot/fs/proc/namespace_inode.h"
#include "boot/kernel/fs_context.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace runsc {
namespace {

struct Kind {
  std::string_view name;
  int kind;
};
constexpr std::array kKinds = {Kind{"cgroup", CLONE_NEWCGROUP}, Kind{"ipc", CLONE_NEWIPC},
                               Kind{"mnt", CLONE_NEWNS},        Kind{"net", CLONE_NEWNET},
                               Kind{"pid", CLONE_NEWPID},       Kind{"pid_for_children", CLONE_NEWPID},
                               Kind{"time", CLONE_NEWTIME},     Kind{"time_for_children", CLONE_NEWTIME},
                               Kind{"user", CLONE_NEWUSER},     Kind{"uts", CLONE_NEWUTS}};

// ENOENT: the task has ended and has none any more.
Result<NamedNamespace> namespace_of(const Task& task, int kind) {
  const TaskResources resources = task.resources();
  if (!resources.fs || !resources.credentials) return Errno(ENOENT);
  return name_namespace(resources, task.pid_namespace(), kind);
}

class NamespaceLink : public ProcessInode<PseudoInode> {
 public:
  NamespaceLink(ProcFileSystem& file_system, ProcessRef ref, int kind)
      : ProcessInode(file_system, std::move(ref), S_IFLNK | 0777), kind_(kind) {}

  Result<std::string> read_link_for(CurrentTask& reader) override { return TRY(target(reader))->name(); }
  Result<VfsPath> follow_magic_link(CurrentTask& reader) override {
    const FileSystemPtr file_system = proc().shared_from_this();
    const DentryPtr dentry = Dentry::make_root(file_system, TRY(target(reader)));
    return VfsPath{std::make_shared<Mount>(0, file_system, dentry, 0, "nsfs"), dentry};
  }

 private:
  Result<std::shared_ptr<NamespaceInode>> target(CurrentTask& reader) {
    const ProcessView process = TRY(view());
    TRY(may_look(reader, *process.task));
    return std::make_shared<NamespaceInode>(proc(), TRY(namespace_of(*process.task, kind_)));
  }

  const int kind_;
};

class NamespaceDirectory : public ProcessInode<PseudoDirectory> {
 public:
  NamespaceDirectory(ProcFileSystem& file_system, ProcessRef ref)
      : ProcessInode(file_system, std::move(ref), S_IFDIR | 0511) {}

  Result<InodePtr> lookup(std::string_view name) override {
    for (const Kind& each : kKinds)
      if (each.name == name) return InodePtr(std::make_shared<NamespaceLink>(proc(), ref(), each.kind));
    return Errno(ENOENT);
  }
  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> entries;
    for (const Kind& kind : kKinds) entries.push_back({std::string(kind.name), DT_LNK});
    return entries;
  }
};

}  // namespace

InodePtr make_ns_directory(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<NamespaceDirectory>(file_system, ref);
}

}  // namespace runsc
