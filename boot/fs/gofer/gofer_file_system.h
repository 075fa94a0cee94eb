// Files of the host, served by a gofer (gofer/): one instance per mount.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <utility>

#include "boot/base/lock.h"
#include "boot/fs/gofer/attach.h"
#include "boot/fs/gofer/host_changes.h"
#include "boot/vfs/inode.h"
#include "gofer/client/connection.h"

namespace runsc {

class GoferInode;

// A host descriptor of a regular file, shared by all open files of one inode that can use its access mode.
struct DonatedFile {
  UniqueFd descriptor;
  bool writable = false;
};
using DonatedFilePtr = std::shared_ptr<const DonatedFile>;

class GoferFileSystem : public FileSystem {
 public:
  // `connection` was attached.
  static std::shared_ptr<GoferFileSystem> make(std::unique_ptr<gofer::GoferConnection> connection, GoferCaching caching,
                                               std::shared_ptr<InodeTwins> twins);

  std::string_view type_name() const override { return "9p"; }
  InodePtr root() override;
  Result<struct statfs> statistics() override;

  gofer::GoferConnection& connection() { return *connection_; }
  GoferCaching caching() const { return caching_; }
  InodeTwins* twins() const { return twins_.get(); }
  // Of a shared mount.
  HostChanges& changes() { return changes_; }

  // The inode of a node that a call has found or made: an existing one for another name of the same file.
  std::shared_ptr<GoferInode> intern(gofer::RemoteNode node);
  // The number that programs see: the host's, unless the node lies on another host file system than the root.
  std::uint64_t inode_number(const gofer::FileAttributes& attributes) const;
  void forget(const GoferInode& inode);

  // Keeps a few descriptors open after their last use: opening a file again is then free of round trips.
  void keep_open(DonatedFilePtr file);
  void drop_kept(const DonatedFile* file);

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
  static Identity identity(const gofer::FileAttributes& attributes);

  GoferFileSystem(std::unique_ptr<gofer::GoferConnection> connection, GoferCaching caching,
                  std::shared_ptr<InodeTwins> twins);

  std::unique_ptr<gofer::GoferConnection> connection_;
  GoferCaching caching_;
  const std::shared_ptr<InodeTwins> twins_;
  HostChanges changes_;
  std::uint64_t root_device_ = 0;
  Guarded<std::map<Identity, std::weak_ptr<GoferInode>>, LockLevel::kFsInternal> inodes_;
  Guarded<std::list<DonatedFilePtr>, LockLevel::kLeaf> kept_open_;
  std::shared_ptr<GoferInode> root_;
};

}  // namespace runsc
