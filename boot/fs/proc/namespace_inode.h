// What the links of /proc/<pid>/ns lead to: nsfs of Linux (ioctl_ns(2)).
#pragma once

#include <string>

#include "boot/fs/proc/proc_file_system.h"
#include "boot/fs/pseudo/pseudo_files.h"
#include "boot/kernel/names_namespace.h"

namespace runsc {

// How namespaces of one kind are called.
std::string_view namespace_type(int kind);

// Good for stat(2), by whose inode number programs compare namespaces, setns(2) and the ioctls.
class NamespaceInode : public PseudoInode, public NamesNamespace {
 public:
  NamespaceInode(ProcFileSystem& file_system, NamedNamespace named);

  Result<FileAttributes> attributes() override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
  const NamedNamespace& named_namespace() const override { return named_; }

  // As "uts:[4026531838]".
  std::string name() const;
  ProcFileSystem& proc() const { return file_system_; }

 private:
  std::uint64_t number() const;

  ProcFileSystem& file_system_;
  const std::shared_ptr<FileSystem> keeps_file_system_;
  const NamedNamespace named_;
};

}  // namespace runsc
