#include "boot/fs/proc/descriptor_directory.h"

#include <dirent.h>

#include <charconv>

#include "boot/fs/proc/shown_name.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

// ENOENT: closed meanwhile.
Result<FilePtr> file_of(const ProcessRef& ref, Fd fd) {
  const TaskPtr task = TRY(ref.task());
  const auto files = task->files();
  if (!files) return Errno(ENOENT);
  Result<FilePtr> file = files->get(fd);
  return file.ok() ? file : Result<FilePtr>(Errno(ENOENT));
}

// The access mode of the file shows in the permissions of its link.
std::uint32_t link_mode(const FileDescription& file) {
  const OpenFlags flags = file.flags();
  return S_IFLNK | 0100u | (flags.readable() ? 0400u : 0u) | (flags.writable() ? 0200u : 0u);
}

class DescriptorLink : public ProcessInode<PseudoInode> {
 public:
  DescriptorLink(ProcFileSystem& file_system, ProcessRef ref, Fd fd, std::uint32_t mode)
      : ProcessInode(file_system, std::move(ref), mode), fd_(fd) {}

  Result<FileAttributes> attributes() override {
    FileAttributes attributes = TRY(ProcessInode::attributes());
    attributes.size = 64;
    return attributes;
  }

  Result<std::string> read_link() override {
    const FilePtr file = TRY(file_of(ref(), fd_));
    const auto fs = TRY(ref().task())->fs();
    return shown_name(*file, fs ? fs->root() : VfsPath());
  }

  Result<std::string> read_link_for(CurrentTask& reader) override {
    TRY(may_look(reader, *TRY(ref().task())));
    return shown_name(*TRY(file_of(ref(), fd_)), reader.fs().root());
  }

  Result<VfsPath> follow_magic_link(CurrentTask& reader) override {
    TRY(may_look(reader, *TRY(ref().task())));
    return place_of(*TRY(file_of(ref(), fd_)));
  }

 private:
  const Fd fd_;
};

class DescriptorInfo : public ProcessInode<TextInode> {
 public:
  DescriptorInfo(ProcFileSystem& file_system, ProcessRef ref, Fd fd)
      : ProcessInode(file_system, std::move(ref), S_IFREG | 0400, true), fd_(fd) {}

  Result<std::string> text() override {
    const auto files = TRY(ref().task())->files();
    if (!files) return Errno(ENOENT);
    const FilePtr file = TRY(file_of(ref(), fd_));
    const Result<bool> close_on_exec = files->close_on_exec(fd_);
    const Result<std::int64_t> position = file->seek(0, SEEK_CUR);
    const Result<FileAttributes> attributes = file->attributes();
    const int flags = file->flags().bits & ~O_CLOEXEC;
    std::string out;
    append_format(out, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\n", static_cast<long long>(position.ok() ? *position : 0),
                  static_cast<unsigned>(flags | (close_on_exec.ok() && *close_on_exec ? O_CLOEXEC : 0)),
                  file->path() ? file->path().mount->id() : 0);
    if (attributes.ok()) append_format(out, "ino:\t%llu\n", static_cast<unsigned long long>(attributes->inode));
    return out;
  }

 private:
  const Fd fd_;
};

// One entry for each open descriptor; `kInfo`: fdinfo, else fd.
template <bool kInfo>
class DescriptorDirectory : public ProcessInode<PseudoDirectory> {
 public:
  DescriptorDirectory(ProcFileSystem& file_system, ProcessRef ref)
      : ProcessInode(file_system, std::move(ref), S_IFDIR | (kInfo ? 0555 : 0500), kInfo) {}

  CachePolicy cache_policy() const override { return CachePolicy::kNever; }

  // A process that is not dumpable still reaches its own descriptors.
  Result<void> check_permission(const Credentials& credentials, int may) override {
    const TaskPtr task = TRY(ref().task());
    if (task->credentials().get() == &credentials && (may & kMayWrite) == 0) return {};
    return ProcessInode::check_permission(credentials, may);
  }

  Result<InodePtr> lookup(std::string_view name) override {
    const int number = number_of(name);
    if (number < 0) return Errno(ENOENT);
    const FilePtr file = TRY(file_of(ref(), Fd{number}));
    if constexpr (kInfo) return InodePtr(std::make_shared<DescriptorInfo>(proc(), ref(), Fd{number}));
    return InodePtr(std::make_shared<DescriptorLink>(proc(), ref(), Fd{number}, link_mode(*file)));
  }

  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> entries;
    const Result<TaskPtr> task = ref().task();
    const auto files = task.ok() ? (*task)->files() : nullptr;
    if (!files) return entries;
    for (const Fd fd : files->list()) entries.push_back({std::to_string(raw(fd)), kInfo ? DT_REG : DT_LNK});
    return entries;
  }
};

}  // namespace

int number_of(std::string_view name) {
  int value = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc() || end != name.data() + name.size() || value < 0) return -1;
  return name.size() > 1 && name[0] == '0' ? -1 : value;
}

InodePtr make_fd_directory(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<DescriptorDirectory<false>>(file_system, ref);
}
InodePtr make_fdinfo_directory(ProcFileSystem& file_system, const ProcessRef& ref) {
  return std::make_shared<DescriptorDirectory<true>>(file_system, ref);
}

}  // namespace runsc
