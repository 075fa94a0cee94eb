// The application kernel's side of a gofer connection: one per mount.
//
// Every call is one request and one reply and blocks for it; any thread may call (calls are served one at a time).
// What comes back is checked: the gofer faces hostile images, so it is trusted with the files of its mount, not with
// the kernel's memory or control flow.
//
// Errors: those of the host call, as Linux gives them to programs; EROFS for a change on a read-only mount; EIO once
// the gofer is gone or has broken the protocol (is_alive() is then false, for good); ENFILE when the mount has no more
// handles (drop some RemoteHandles and try again); EXDEV for a RemoteHandle of another connection.
//
// Permissions are not checked here: the kernel does that with its task's credentials before it asks. Symlinks are never
// followed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "gofer/client/remote_handle.h"
#include "gofer/protocol/attributes.h"
#include "gofer/protocol/messages.h"
#include "gofer/protocol/packet_buffer.h"
#include "gofer/protocol/packet_socket.h"

namespace runsc::gofer {

// A node that a call has found or made.
struct RemoteNode {
  RemoteHandle handle;
  FileAttributes attributes;
};

struct WalkResult {
  // Of the components that were found, in order. All but the last are directories.
  std::vector<RemoteNode> nodes;
  // Why the walk ended: 0 when every component was found; ENOTDIR when components are left behind a node that is not a
  // directory (perhaps a symlink to follow); else the error of the first component that was not found (ENOENT ..).
  int error = 0;
  // When it was asked for, may be there, and the walk ended at what is no directory: O_PATH of that.
  UniqueFd held;
};

struct ProbeResult {
  std::vector<FileAttributes> nodes;  // as WalkResult, without handles
  int error = 0;
};

struct OpenResult {
  FileAttributes attributes;
  // The host descriptor, close-on-exec, with the access mode that was asked for. Of a regular file; only a mount that
  // allows it opens FIFOs, and then it is a non-blocking FIFO.
  UniqueFd descriptor;
};

struct CreateResult {
  RemoteNode node;
  UniqueFd descriptor;  // of a regular file
};

// Owner and mode of a node to be made. The mode is exactly what it gets: umask, set-group-id directories and so on are
// the caller's work.
struct NodeOwner {
  std::uint32_t mode = 0;  // permissions, set-id bits, sticky bit
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct RemoteEntry {
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;  // where to go on behind this entry
  std::uint8_t type = 0;     // DT_*
  std::string_view name;     // in DirectoryBatch::names
};

struct DirectoryBatch {
  std::vector<RemoteEntry> entries;  // without "." and ".."
  std::uint64_t next_cookie = 0;     // where to go on behind the whole batch
  bool end = false;                  // nothing follows
  std::unique_ptr<char[]> names;
};

class GoferConnection {
 public:
  // Takes the client's end of a connection and says hello; waits until the gofer is confined and answers.
  // `watch`: others change these files too; take_changes() then may have a queue of what they do.
  static Result<std::unique_ptr<GoferConnection>> attach(UniqueFd socket, bool watch = false);

  GoferConnection(const GoferConnection&) = delete;
  GoferConnection& operator=(const GoferConnection&) = delete;

  bool is_alive() const { return alive_.load(std::memory_order_relaxed); }
  bool read_only() const { return read_only_; }
  // The root of the mount: a directory, or the single file of a bind mount.
  const RemoteHandle& root() const { return root_; }
  // As of attach().
  const FileAttributes& root_attributes() const { return root_attributes_; }

  // An inotify(7) queue, non-blocking: what changes in the directories of which RemoteHandles exist, by the numbers in
  // their attributes (FileAttributes::watch). The host puts a change into the queue before it is over for who made it.
  // Invalid: the gofer cannot watch, and everything is to be asked anew. Once.
  UniqueFd take_changes() { return std::move(changes_); }

  // Looks up components one below the other: one round trip. 1..kMaxWalk names, else EINVAL. `hold`: WalkResult::held.
  Result<WalkResult> walk(const RemoteHandle& from, std::span<const std::string_view> names, bool hold = false);
  // As walk, but keeps no handles: to see whether cached nodes are still the same.
  Result<ProbeResult> probe(const RemoteHandle& from, std::span<const std::string_view> names);

  Result<FileAttributes> get_attributes(const RemoteHandle& node);
  // As get_attributes, with an O_PATH descriptor for later looks. EISDIR for directories.
  Result<OpenResult> hold(const RemoteHandle& node);
  // Returns the attributes after the change. If one part fails, those before it (owner, mode, size, times) stay done.
  Result<FileAttributes> set_attributes(const RemoteHandle& node, const AttributeChange& change);
  // fsync(2) of a directory or regular file.
  Result<void> synchronize(const RemoteHandle& node);

  // `flags`: access mode, O_TRUNC, O_APPEND, O_DIRECT, O_SYNC, O_DSYNC, O_NOATIME. EISDIR, ELOOP, ENXIO (sockets and
  // devices), EPERM (FIFOs) for what is not a regular file.
  Result<OpenResult> open(const RemoteHandle& node, int flags);
  // Makes and opens a regular file; EEXIST if the name exists.
  Result<CreateResult> create(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner, int flags);
  // O_TMPFILE; link() can give the file a name.
  Result<CreateResult> create_unnamed(const RemoteHandle& directory, const NodeOwner& owner, int flags);
  Result<RemoteNode> make_directory(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner);
  // `owner.mode` with type bits: S_IFREG, S_IFIFO or S_IFSOCK; EPERM for others.
  Result<RemoteNode> make_node(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner);
  Result<RemoteNode> make_symlink(const RemoteHandle& directory, std::string_view name, std::string_view target,
                                  std::uint32_t uid, std::uint32_t gid);
  // Returns the inode's new attributes.
  Result<FileAttributes> link(const RemoteHandle& node, const RemoteHandle& directory, std::string_view name);
  Result<std::string> read_link(const RemoteHandle& node);
  Result<void> unlink(const RemoteHandle& directory, std::string_view name, bool is_directory);
  // `flags`: RENAME_NOREPLACE or RENAME_EXCHANGE.
  Result<void> rename(const RemoteHandle& old_directory, std::string_view old_name, const RemoteHandle& new_directory,
                      std::string_view new_name, unsigned flags);

  // A batch of entries behind `cookie` (0: the start). It is empty only at the end, or if the host's entries there
  // have names that Linux programs cannot use.
  Result<DirectoryBatch> read_directory(const RemoteHandle& directory, std::uint64_t cookie,
                                        std::size_t max_bytes = kMaxDirectoryBytes);
  Result<FileSystemInfo> stat_file_system(const RemoteHandle& node);

  Result<std::string> get_xattr(const RemoteHandle& node, std::string_view name);
  Result<void> set_xattr(const RemoteHandle& node, std::string_view name, std::string_view value, unsigned flags);
  // Names, each ended by NUL, as listxattr(2).
  Result<std::string> list_xattr(const RemoteHandle& node);
  Result<void> remove_xattr(const RemoteHandle& node, std::string_view name);

  // A new non-blocking socket of `type`, connected to the socket `node`. EAGAIN when its backlog is full.
  Result<UniqueFd> connect(const RemoteHandle& node, int type);

  // Tells the gofer about all RemoteHandles that have gone away, without waiting. They also go out with every request;
  // this is for a time without requests, when a dropped handle holds the space of a deleted file.
  Result<void> close_retired();
  // Returns when all that was asked before, by any thread, is done.
  Result<void> flush();

 private:
  // What one call at a time uses.
  struct Wire {
    explicit Wire(UniqueFd socket) : socket(std::move(socket)) {}
    PacketSocket socket;
    PacketBuffer outgoing;
    PacketBuffer incoming;
    Request request;
    Reply reply;
    std::uint32_t next_id = 1;
  };

  explicit GoferConnection(UniqueFd socket);

  // One round trip. `parse` gets the reply's body, which must be of type Body, and the descriptor that came with it,
  // while the packet is still there; what it returns is the result. EPROTO from it breaks the connection.
  template <typename Body, typename Value, typename Parse>
  Result<Value> call(RequestBody body, Parse&& parse);
  Result<void> call_done(RequestBody body);
  Result<FileAttributes> call_node(RequestBody body);

  Result<UniqueFd> exchange(Wire& wire, RequestBody body);
  Result<void> send(Wire& wire, RequestBody body);
  Errno broken(Wire& wire, Errno cause);

  Result<HandleId> own(const RemoteHandle& handle) const;
  // A number for a new node; sends the retired ones away first if that is what it takes.
  Result<ReservedHandle> reserve();
  Result<NewNode> new_node(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner,
                           const ReservedHandle& handle) const;
  template <typename NodeRequest>
  Result<RemoteNode> make(NodeRequest request, ReservedHandle handle);
  template <typename CreateKind>
  Result<CreateResult> create_file(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner,
                                   int flags);
  Result<WalkRequest> walk_request(const RemoteHandle& from, std::span<const std::string_view> names) const;

  std::atomic<bool> alive_ = true;
  bool read_only_ = false;
  FileAttributes root_attributes_;
  std::shared_ptr<HandlePool> pool_;
  RemoteHandle root_;
  UniqueFd changes_;
  Guarded<Wire, LockLevel::kFsInternal> wire_;
};

}  // namespace runsc::gofer
