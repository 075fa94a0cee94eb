// What the files of this folder have in common.
#pragma once

#include "boot/vfs/anonymous_file.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// A file that is one of Linux's anonymous inodes: no path leads to it and all of them share one inode.
class AnonFile : public FileDescription {
 public:
  // `name` as /proc/self/fd shows it, such as "eventfd"; static storage. `flags`: O_NONBLOCK.
  AnonFile(const char* name, OpenFlags flags) : FileDescription(VfsPath{}, flags), name_(name) {}

  std::string anonymous_name() const override { return "anon_inode:[" + std::string(name_) + "]"; }
  Result<FileAttributes> attributes() override {
    return anonymous_attributes({1, kRootUid, kRootGid}, AnonymousDevice::kAnonInode, 0600);
  }

 private:
  const char* name_;
};

// Puts one object, which the caller has checked to fit.
template <typename T>
Result<std::size_t> put_object(IoSink& sink, const T& value) {
  return sink.put(std::as_bytes(std::span(&value, 1)));
}

}  // namespace runsc
