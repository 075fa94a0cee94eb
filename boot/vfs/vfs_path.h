// A place in the tree of mounts: what the path walk yields and what an open file remembers.
#pragma once

#include <memory>

namespace runsc {

class Dentry;
class Mount;
using DentryPtr = std::shared_ptr<Dentry>;
using MountPtr = std::shared_ptr<Mount>;

struct VfsPath {
  MountPtr mount;
  DentryPtr dentry;

  explicit operator bool() const { return mount != nullptr; }
  friend bool operator==(const VfsPath&, const VfsPath&) = default;
};

}  // namespace runsc
