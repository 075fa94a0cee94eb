#include "boot/fs/proc/namespace_directory.h"

#include <dirent.h>
#include <sys/sysmacros.h>

#include <array>

#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fs_context.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

// 0: the task has ended and has none any more.
using Number = std::uint64_t (*)(const ProcessView&);

template <std::uint64_t kNumber>
std::uint64_t the_only_one(const ProcessView&) {
  return kNumber;
}

template <typename T>
std::uint64_t number_of_object(const ProcessView& view, const std::shared_ptr<T>& object) {
  return object ? view.file_system.shared().namespaces.of(object) : 0;
}

std::uint64_t mount_namespace(const ProcessView& view) {
  const auto fs = view.task->fs();
  return fs ? number_of_object(view, fs->mounts()) : 0;
}
std::uint64_t pid_namespace(const ProcessView& view) { return number_of_object(view, view.task->pid_namespace()); }
std::uint64_t ipc_namespace(const ProcessView& view) { return number_of_object(view, view.task->resources().ipc); }
std::uint64_t uts_namespace(const ProcessView& view) { return number_of_object(view, view.task->resources().uts); }

struct Kind {
  std::string_view name;
  std::string_view type;  // in the link's text
  Number number;
};
constexpr std::array kKinds = {Kind{"cgroup", "cgroup", the_only_one<kCgroupNamespaceNumber>},
                               Kind{"ipc", "ipc", ipc_namespace},
                               Kind{"mnt", "mnt", mount_namespace},
                               Kind{"net", "net", the_only_one<kNetNamespaceNumber>},
                               Kind{"pid", "pid", pid_namespace},
                               Kind{"pid_for_children", "pid", pid_namespace},
                               Kind{"time", "time", the_only_one<kTimeNamespaceNumber>},
                               Kind{"time_for_children", "time", the_only_one<kTimeNamespaceNumber>},
                               Kind{"user", "user", the_only_one<kUserNamespaceNumber>},
                               Kind{"uts", "uts", uts_namespace}};

// What the link leads to: good for stat(2), by whose inode number programs compare namespaces.
class NamespaceInode : public TextInode {
 public:
  NamespaceInode(ProcFileSystem& file_system, std::uint64_t number)
      : TextInode(file_system, {S_IFREG | 0444}), number_(number) {}
  Result<FileAttributes> attributes() override {
    FileAttributes attributes = TRY(TextInode::attributes());
    attributes.inode = number_;
    attributes.device = makedev(0, 4);
    return attributes;
  }
  Result<std::string> text() override { return Errno(EINVAL); }

 private:
  const std::uint64_t number_;
};

class NamespaceLink : public ProcessInode<PseudoInode> {
 public:
  NamespaceLink(ProcFileSystem& file_system, ProcessRef ref, const Kind& kind)
      : ProcessInode(file_system, std::move(ref), S_IFLNK | 0777), kind_(kind) {}

  Result<std::string> read_link_for(CurrentTask& reader) override { return text(TRY(number(reader))); }
  Result<VfsPath> follow_magic_link(CurrentTask& reader) override {
    const FileSystemPtr file_system = proc().shared_from_this();
    const auto inode = std::make_shared<NamespaceInode>(proc(), TRY(number(reader)));
    const DentryPtr dentry = Dentry::make_root(file_system, inode);
    return VfsPath{std::make_shared<Mount>(0, file_system, dentry, 0, "nsfs"), dentry};
  }

 private:
  Result<std::uint64_t> number(CurrentTask& reader) {
    const ProcessView target = TRY(view());
    TRY(may_look(reader, *target.task));
    const std::uint64_t number = kind_.number(target);
    if (number == 0) return Errno(ENOENT);
    return number;
  }
  std::string text(std::uint64_t number) const {
    return std::string(kind_.type) + ":[" + std::to_string(number) + "]";
  }

  const Kind& kind_;
};

class NamespaceDirectory : public ProcessInode<PseudoDirectory> {
 public:
  NamespaceDirectory(ProcFileSystem& file_system, ProcessRef ref)
      : ProcessInode(file_system, std::move(ref), S_IFDIR | 0511) {}

  Result<InodePtr> lookup(std::string_view name) override {
    for (const Kind& kind : kKinds)
      if (kind.name == name) return InodePtr(std::make_shared<NamespaceLink>(proc(), ref(), kind));
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
