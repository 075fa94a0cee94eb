// A mount namespace over tmpfs, and short forms of the operations, for the tests of boot/vfs.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/vfs/path_walk.h"

namespace runsc {

// Tests compare error numbers; 0 is success.
template <typename T>
int error_of(const Result<T>& result) {
  return result.ok() ? 0 : result.error().value();
}

class VfsTest : public ::testing::Test {
 protected:
  VfsTest() { start_with(new_tmpfs()); }
  void start_with(FileSystemPtr root) {
    mounts_ = std::make_shared<MountNamespace>(std::move(root), 0, "root");
    context_.root = context_.cwd = mounts_->root_path();
    context_.credentials = root_credentials();
    from_.start = context_.cwd;
  }
  FileSystemPtr new_tmpfs() {
    TmpfsOptions options;
    options.mode = 0755;
    return TmpfsFileSystem::create(memory_, options);
  }
  // A user without capabilities.
  static CredentialsPtr user(unsigned id) {
    auto credentials = std::make_shared<Credentials>();
    credentials->fs_uid = Uid{id};
    credentials->fs_gid = Gid{id};
    return credentials;
  }
  int mkdir(std::string_view path, std::uint32_t mode = 0755) {
    return error_of(make_directory(context_, from_, path, mode));
  }
  int symlink(std::string_view target, std::string_view path) {
    return error_of(make_symlink(context_, target, from_, path));
  }
  int link(std::string_view from, std::string_view to, int flags = 0) {
    return error_of(make_link(context_, from_, from, from_, to, flags));
  }
  int rm(std::string_view path) { return error_of(unlink(context_, from_, path)); }
  int rmdir(std::string_view path) { return error_of(remove_directory(context_, from_, path)); }
  int mv(std::string_view from, std::string_view to, unsigned flags = 0) {
    return error_of(rename(context_, from_, from, from_, to, flags));
  }
  int open(std::string_view path, int flags, std::uint32_t mode = 0644) {
    return error_of(open_path(context_, from_, path, {flags}, mode));
  }
  int touch(std::string_view path, std::uint32_t mode = 0644) { return open(path, O_CREAT | O_WRONLY, mode); }
  int look(std::string_view path, bool follow = true, std::uint64_t resolve = 0) {
    return error_of(walk(context_, {from_.start, resolve}, path, {.follow_last = follow}));
  }
  VfsPath at(std::string_view path) {
    auto found = walk(context_, from_, path, {.follow_last = false});
    EXPECT_TRUE(found.ok()) << path;
    return found.ok() ? *found : VfsPath();
  }
  std::string shown(std::string_view path) {
    return show_path(walk(context_, from_, path).value(), context_.root).text;
  }

  std::shared_ptr<MemoryFile> memory_ = MemoryFile::create().value();
  MountNamespacePtr mounts_;
  WalkContext context_;
  WalkFrom from_;
};

}  // namespace runsc
