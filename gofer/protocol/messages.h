// The messages of gofer.capnp as plain values. Their fields are documented there.
//
// Views (std::string_view, std::span) in a decoded message point into the packet, and in one to be encoded to the
// caller's memory; they are valid only until the packet's buffer is used again. Decoding checks the shape of a message
// and the limits of limits.h; that names, handles and flags make sense is for the receiver to check.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "boot/base/result.h"
#include "gofer/protocol/attributes.h"
#include "gofer/protocol/limits.h"

namespace runsc::gofer {

enum class HandleId : std::uint32_t { kRoot = 0 };

// A short list without heap memory.
template <typename T, std::size_t kMax>
class BoundedList {
 public:
  void clear() { size_ = 0; }
  // Precondition: size() < kMax.
  void push_back(T value) { items_[size_++] = value; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t index) const { return items_[index]; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }

 private:
  std::size_t size_ = 0;
  std::array<T, kMax> items_;  // only the first size_ are set
};

struct AttachRequest {
  std::uint32_t version = kProtocolVersion;
  bool watch = false;
};

struct WalkRequest {
  HandleId from{};
  BoundedList<std::string_view, kMaxWalk> names;
  BoundedList<HandleId, kMaxWalk> handles;  // as many as names, or none
  bool hold = false;
};

struct GetAttributesRequest {
  HandleId handle{};
};

struct HoldRequest {
  HandleId handle{};
};

enum class TimeChangeKind : std::uint8_t { kKeep, kNow, kSet };

struct TimeChange {
  TimeChangeKind kind = TimeChangeKind::kKeep;
  Timestamp time;  // for kSet
};

struct AttributeChange {
  std::optional<std::uint32_t> mode;  // permission bits, set-id bits and sticky bit
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint64_t> size;
  TimeChange access;
  TimeChange modify;
};

struct SetAttributesRequest {
  HandleId handle{};
  AttributeChange change;
};

struct OpenRequest {
  HandleId handle{};
  std::uint32_t flags = 0;
};

struct NewNode {
  HandleId directory{};
  std::string_view name;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  HandleId handle{};
};

struct CreateRequest {
  NewNode node;
  std::uint32_t flags = 0;
};

struct CreateUnnamedRequest {
  NewNode node;
  std::uint32_t flags = 0;
};

struct MakeDirectoryRequest {
  NewNode node;
};

struct MakeNodeRequest {
  NewNode node;
};

struct MakeSymlinkRequest {
  NewNode node;
  std::string_view target;
};

struct LinkRequest {
  HandleId target{};
  HandleId directory{};
  std::string_view name;
};

struct ReadLinkRequest {
  HandleId handle{};
};

struct UnlinkRequest {
  HandleId directory{};
  std::string_view name;
  bool is_directory = false;
};

struct RenameRequest {
  HandleId old_directory{};
  std::string_view old_name;
  HandleId new_directory{};
  std::string_view new_name;
  std::uint32_t flags = 0;
};

struct ReadDirectoryRequest {
  HandleId handle{};
  std::uint64_t cookie = 0;
  std::uint32_t max_bytes = 0;
};

struct StatFileSystemRequest {
  HandleId handle{};
};

struct SynchronizeRequest {
  HandleId handle{};
};

struct GetXattrRequest {
  HandleId handle{};
  std::string_view name;
};

struct SetXattrRequest {
  HandleId handle{};
  std::string_view name;
  std::string_view value;
  std::uint32_t flags = 0;
};

struct ListXattrRequest {
  HandleId handle{};
};

struct RemoveXattrRequest {
  HandleId handle{};
  std::string_view name;
};

struct ConnectRequest {
  HandleId handle{};
  std::uint32_t type = 0;
};

struct CloseRequest {};
struct FlushRequest {};

using RequestBody =
    std::variant<AttachRequest, WalkRequest, GetAttributesRequest, SetAttributesRequest, OpenRequest, CreateRequest,
                 CreateUnnamedRequest, MakeDirectoryRequest, MakeNodeRequest, MakeSymlinkRequest, LinkRequest,
                 ReadLinkRequest, UnlinkRequest, RenameRequest, ReadDirectoryRequest, StatFileSystemRequest,
                 SynchronizeRequest, GetXattrRequest, SetXattrRequest, ListXattrRequest, RemoveXattrRequest,
                 ConnectRequest, CloseRequest, FlushRequest, HoldRequest>;

struct Request {
  std::uint32_t id = 0;
  std::uint16_t processor = 0xffff;
  BoundedList<HandleId, kMaxClosed> closed;
  RequestBody body;
};

struct DoneReply {};

struct AttachedReply {
  FileAttributes root;
  bool read_only = false;
  std::uint32_t max_handles = 0;
  bool watching = false;
};

struct WalkedReply {
  std::vector<FileAttributes> nodes;
  int error = 0;
};

struct NodeReply {
  FileAttributes attributes;
};

// The data lies in the packet (decoded) or in the server's buffer (to be encoded).
struct DataReply {
  std::string_view data;
};

struct DirectoryEntry {
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;
  std::uint8_t type = 0;  // DT_*
  std::string_view name;
};

struct EntriesReply {
  std::vector<DirectoryEntry> entries;
  std::uint64_t next_cookie = 0;
  bool end = false;
};

// The content of statfs(2).
struct FileSystemInfo {
  std::uint64_t type = 0;
  std::uint64_t block_size = 0;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_free = 0;
  std::uint64_t blocks_available = 0;
  std::uint64_t files = 0;
  std::uint64_t files_free = 0;
  std::uint64_t name_length = 0;
  std::uint64_t fragment_size = 0;
  std::uint64_t flags = 0;  // ST_*
  std::uint64_t id = 0;
};

struct FileSystemReply {
  FileSystemInfo info;
};

using ReplyBody =
    std::variant<DoneReply, AttachedReply, WalkedReply, NodeReply, DataReply, EntriesReply, FileSystemReply>;

struct Reply {
  std::uint32_t id = 0;
  int error = 0;  // 0, or an error number; the body is then DoneReply
  ReplyBody body;
};

}  // namespace runsc::gofer
