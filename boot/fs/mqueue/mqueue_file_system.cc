#include "boot/fs/mqueue/mqueue_file_system.h"

#include <dirent.h>

#include "boot/fs/kept_attributes.h"
#include "boot/fs/mqueue/register.h"
#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/deadline.h"
#include "boot/kernel/task.h"
#include "boot/kernel/thread_task.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

constexpr long kMagic = 0x19800202;  // MQUEUE_MAGIC of ipc/mqueue.c
// fs.mqueue.*: for everybody, and what a privileged process may go up to.
constexpr std::int64_t kMaxMessages = 10;
constexpr std::int64_t kMaxSize = 8192;
constexpr std::int64_t kHardMaxMessages = 65536;
constexpr std::int64_t kHardMaxSize = 16 * 1024 * 1024;
constexpr std::size_t kMaxQueues = 256;
constexpr std::uint64_t kOverhead = 48;  // of each message and of each priority, as Linux counts
constexpr std::uint64_t kFileSize = 80;  // FILENT_SIZE

class MqueueDirectory : public PseudoDirectory {
 public:
  explicit MqueueDirectory(MqueueFileSystem& file_system) : PseudoDirectory(file_system, {S_IFDIR | S_ISVTX | 0777}) {}

  // Queues come and go through mq_open(2), which asks the file system.
  CachePolicy cache_policy() const override { return CachePolicy::kRevalidate; }
  bool revalidate_child(std::string_view name, const InodePtr& child) override {
    const Result<InodePtr> now = queues().find(name);
    return (now.ok() ? *now : nullptr) == child;
  }
  Result<InodePtr> lookup(std::string_view name) override { return queues().find(name); }
  Result<InodePtr> create(std::string_view name, const NewFile& file) override {
    const Task* task = task_of_this_thread();
    const std::uint64_t limit = task != nullptr ? task->group()->limits().get(RLIMIT_MSGQUEUE).soft : RLIM_INFINITY;
    return queues().make_queue(name, file, MqueueLimits{}, false, limit);
  }
  Result<void> unlink(std::string_view name, const InodePtr& child) override { return queues().remove(name, *child); }
  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> entries;
    for (std::string& name : queues().names()) entries.push_back({std::move(name), DT_REG});
    return entries;
  }

 private:
  MqueueFileSystem& queues() { return static_cast<MqueueFileSystem&>(file_system()); }
};

Result<void> check_limits(const MqueueLimits& limits, bool privileged) {
  if (limits.max_messages <= 0 || limits.max_size <= 0) return Errno(EINVAL);
  const std::int64_t most = privileged ? kHardMaxMessages : kMaxMessages;
  const std::int64_t longest = privileged ? kHardMaxSize : kMaxSize;
  if (limits.max_messages > most || limits.max_size > longest) return Errno(EINVAL);
  return {};
}

std::uint64_t bytes_of(const MqueueLimits& limits) {
  const auto messages = static_cast<std::uint64_t>(limits.max_messages);
  const std::uint64_t nodes = std::min<std::uint64_t>(messages, kMqueuePriorities);
  return messages * (static_cast<std::uint64_t>(limits.max_size) + kOverhead) + nodes * kOverhead;
}

}  // namespace

std::shared_ptr<void> MqueueCharges::charge(Uid user, std::uint64_t bytes, std::uint64_t limit) {
  {
    auto used = used_.lock();
    std::uint64_t& own = (*used)[user];
    if (own + bytes > limit) return nullptr;
    own += bytes;
  }
  return std::shared_ptr<void>(
      this, [self = shared_from_this(), user, bytes](void*) { (*self->used_.lock())[user] -= bytes; });
}

std::shared_ptr<MqueueFileSystem> MqueueFileSystem::create() {
  const auto made = std::make_shared<MqueueFileSystem>();
  made->root_ = std::make_shared<MqueueDirectory>(*made);
  return made;
}

// Inodes go while the file system is whole.
MqueueFileSystem::~MqueueFileSystem() {
  queues_.lock()->clear();
  root_.reset();
}

Result<struct statfs> MqueueFileSystem::statistics() {
  struct statfs out {};
  out.f_type = kMagic;
  out.f_bsize = out.f_frsize = 4096;
  out.f_namelen = 255;
  return out;
}

Result<InodePtr> MqueueFileSystem::find(std::string_view name) const {
  auto queues = queues_.lock();
  const auto it = queues->find(name);
  if (it == queues->end()) return Errno(ENOENT);
  return InodePtr(it->second);
}

Result<InodePtr> MqueueFileSystem::make_queue(std::string_view name, const NewFile& file, const MqueueLimits& limits,
                                              bool privileged, std::uint64_t limit_bytes) {
  TRY(check_limits(limits, privileged));
  std::shared_ptr<void> charge = charges_->charge(file.uid, bytes_of(limits), limit_bytes);
  if (!charge) return Errno(EMFILE);
  FileAttributes attributes;
  attributes.mode = S_IFREG | (file.mode & 07777);
  attributes.inode = next_inode();
  attributes.device = device();
  attributes.links = 1;
  attributes.uid = file.uid;
  attributes.gid = file.gid;
  attributes.size = kFileSize;
  attributes.block_size = 4096;
  attributes.access_time = attributes.modify_time = attributes.change_time = to_timespec(now_ns(CLOCK_REALTIME));
  auto queue = std::make_shared<PosixQueue>(limits, std::move(charge));
  auto inode = std::make_shared<MqueueInode>(*this, attributes, std::move(queue));
  auto queues = queues_.lock();
  if (queues->size() >= kMaxQueues && !privileged) return Errno(ENOSPC);
  if (!queues->try_emplace(std::string(name), inode).second) return Errno(EEXIST);
  return InodePtr(inode);
}

Result<void> MqueueFileSystem::remove(std::string_view name, const Inode& queue) {
  std::shared_ptr<MqueueInode> removed;  // ends without the lock
  auto queues = queues_.lock();
  const auto it = queues->find(name);
  if (it == queues->end() || it->second.get() != &queue) return Errno(ENOENT);
  removed = std::move(it->second);
  queues->erase(it);
  return {};
}

std::vector<std::string> MqueueFileSystem::names() const {
  std::vector<std::string> names;
  auto queues = queues_.lock();
  for (const auto& [name, inode] : *queues) names.push_back(name);
  return names;
}

Result<void> MqueueInode::set_attributes(const AttributeChange& change) {
  apply_change(*attributes_.lock(), change);
  return {};
}

Result<FilePtr> MqueueInode::open(const VfsPath& path, OpenFlags flags) {
  return FilePtr(std::make_shared<MqueueFile>(path, flags, queue_));
}

Result<std::size_t> MqueueFile::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  auto position = position_.lock();
  const std::string text = queue_->describe();
  const std::uint64_t from = offset.value_or(position->offset);
  if (from >= text.size()) return std::size_t{0};
  const std::size_t count = TRY(sink.put(std::as_bytes(std::span(text).subspan(from))));
  if (!offset) position->offset += count;
  return count;
}

Result<std::int64_t> MqueueFile::seek(std::int64_t offset, int whence) {
  auto position = position_.lock();
  if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(position->offset);
  if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0) return Errno(EINVAL);
  position->offset = static_cast<std::uint64_t>(offset);
  return offset;
}

Result<void> MqueueFile::flush() {
  if (const Task* task = task_of_this_thread()) queue_->clear_notification(*task->group());
  return {};
}

void register_mqueue(VfsServices& services) {
  services.file_systems.add("mqueue", true,
                            [](CurrentTask* task, const MountRequest& request) -> Result<FileSystemPtr> {
                              const auto ipc = task != nullptr ? task->task().resources().ipc : request.ipc;
                              if (!ipc) return Errno(ENOSYS);
                              return ipc->posix_queues([] { return FileSystemPtr(MqueueFileSystem::create()); });
                            });
}

}  // namespace runsc
