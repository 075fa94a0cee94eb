#include "boot/loader/container/copy_tree.h"

#include <fcntl.h>

#include <span>
#include <string>
#include <vector>

#include "boot/vfs/dentry.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

// Each level is a call of this program's own.
constexpr int kDeepest = 100;
constexpr std::size_t kPiece = 256 * 1024;

class Names : public DirectorySink {
 public:
  bool add(std::string_view name, std::uint64_t, std::uint8_t, std::int64_t) override {
    if (name != "." && name != "..") names.emplace_back(name);
    return true;
  }
  std::vector<std::string> names;
};

Result<std::vector<std::string>> list(const WalkContext& context, const VfsPath& directory) {
  const FilePtr file = TRY(open_resolved(context, directory, {O_RDONLY | O_DIRECTORY}));
  Names sink;
  for (std::size_t before = 0;; before = sink.names.size()) {
    TRY(file->read_directory(sink));
    if (sink.names.size() == before) return std::move(sink.names);
  }
}

Result<void> copy_bytes(FileDescription& from, FileDescription& to) {
  std::vector<std::byte> buffer(kPiece);
  for (std::uint64_t done = 0;;) {
    BufferSink sink{std::span(buffer)};
    const std::size_t got = TRY(from.read(sink, done, 0));
    if (got == 0) return {};
    BufferSource source(std::span<const std::byte>(buffer).first(got));
    if (TRY(to.write(source, done, 0)) != got) return Errno(ENOSPC);
    done += got;
  }
}

class Copier {
 public:
  explicit Copier(const WalkContext& context) : context_(context) {}

  Result<void> contents(const VfsPath& from, const VfsPath& to, int depth) {
    if (depth > kDeepest) return Errno(ELOOP);
    for (const std::string& name : TRY(list(context_, from))) TRY(entry(from, to, name, depth));
    return {};
  }

 private:
  Result<void> entry(const VfsPath& from, const VfsPath& to, const std::string& name, int depth) {
    const WalkFrom target{to, 0};
    const VfsPath old = TRY(walk(context_, {from, 0}, name, {.follow_last = false}));
    const FileAttributes file = TRY(old.dentry->inode()->attributes());
    if (file.is_symlink()) {
      TRY(make_symlink(context_, TRY(old.dentry->inode()->read_link()), target, name));
    } else if (file.is_directory()) {
      TRY(make_directory(context_, target, name, 0700));
    } else if (file.is_regular()) {
      const FilePtr made = TRY(open_path(context_, target, name, {O_WRONLY | O_CREAT | O_EXCL}, 0600));
      TRY(copy_bytes(*TRY(open_resolved(context_, old, {O_RDONLY})), *made));
    } else {
      TRY(make_node(context_, target, name, file.mode & ~07777U, file.rdev));
    }
    const VfsPath copy = TRY(walk(context_, target, name, {.follow_last = false}));
    if (file.is_directory()) TRY(contents(old, copy, depth + 1));
    TRY(change_owner(context_, copy, file.uid, file.gid));
    if (!file.is_symlink()) TRY(change_mode(context_, copy, file.mode & 07777));
    return {};
  }

  const WalkContext& context_;
};

}  // namespace

Result<void> copy_tree(const WalkContext& context, const VfsPath& from, const VfsPath& to) {
  return Copier(context).contents(from, to, 0);
}

}  // namespace runsc
