// The file system of POSIX message queues: a directory of queues, mounted at /dev/mqueue or nowhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boot/fs/mqueue/posix_queue.h"
#include "boot/fs/pseudo/pseudo_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Bytes of queues by who made them (RLIMIT_MSGQUEUE). Thread-safe.
class MqueueCharges : public std::enable_shared_from_this<MqueueCharges> {
 public:
  // Given back when the result ends. Null: the user would have more than `limit`.
  std::shared_ptr<void> charge(Uid user, std::uint64_t bytes, std::uint64_t limit);

 private:
  Guarded<std::map<Uid, std::uint64_t>, LockLevel::kLeaf> used_;
};

class MqueueInode;

// One per IPC namespace, all of whose mounts show it. Thread-safe.
class MqueueFileSystem : public PseudoFileSystem {
 public:
  static std::shared_ptr<MqueueFileSystem> create();
  ~MqueueFileSystem() override;

  std::string_view type_name() const override { return "mqueue"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;

  Result<InodePtr> find(std::string_view name) const;  // ENOENT
  // EEXIST; EINVAL: limits that make no sense, or that need CAP_SYS_RESOURCE (`privileged`); ENOSPC: too many queues;
  // EMFILE: more bytes than `limit_bytes` (RLIMIT_MSGQUEUE).
  Result<InodePtr> make_queue(std::string_view name, const NewFile& file, const MqueueLimits& limits, bool privileged,
                              std::uint64_t limit_bytes);
  // ENOENT: not (any more) `queue`.
  Result<void> remove(std::string_view name, const Inode& queue);
  std::vector<std::string> names() const;

 private:
  using Queues = std::map<std::string, std::shared_ptr<MqueueInode>, std::less<>>;

  const std::shared_ptr<MqueueCharges> charges_ = std::make_shared<MqueueCharges>();
  InodePtr root_;
  Guarded<Queues, LockLevel::kFsInternal> queues_;
};

// A queue as a file: owner and permissions.
class MqueueInode : public Inode {
 public:
  MqueueInode(FileSystem& file_system, const FileAttributes& attributes, PosixQueuePtr queue)
      : Inode(file_system), queue_(std::move(queue)), attributes_(attributes) {}

  std::uint32_t type() const override { return S_IFREG; }
  Result<FileAttributes> attributes() override { return *attributes_.lock(); }
  Result<void> set_attributes(const AttributeChange& change) override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
  const PosixQueuePtr& queue() const { return queue_; }

 private:
  const PosixQueuePtr queue_;
  Guarded<FileAttributes, LockLevel::kInode> attributes_;
};

// An open queue: mq_open(3), or open(2) of a file in /dev/mqueue.
class MqueueFile : public FileDescription {
 public:
  MqueueFile(VfsPath path, OpenFlags flags, PosixQueuePtr queue)
      : FileDescription(std::move(path), flags), queue_(std::move(queue)) {}

  PosixQueue& queue() const { return *queue_; }
  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  EventMask readiness(EventMask) override { return queue_->readiness(); }
  WaitQueue* wait_queue() override { return &queue_->changed(); }
  // The process that closes a descriptor is not notified any more.
  Result<void> flush() override;

 private:
  const PosixQueuePtr queue_;
};

}  // namespace runsc
