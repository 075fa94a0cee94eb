// Finding inodes: walk, readLink, readDirectory.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "gofer/server/host_files.h"
#include "gofer/server/session.h"

namespace runsc::gofer {
namespace {

// The fixed part of struct linux_dirent64.
constexpr std::size_t kNameOffset = 19;
constexpr std::size_t kRecordLengthOffset = 16;
constexpr std::size_t kTypeOffset = 18;

// One entry of what getdents64 left in memory. The host kernel is trusted; its lengths are not re-checked.
struct HostEntry {
  DirectoryEntry entry;
  std::size_t length;
};

HostEntry host_entry(const std::byte* record) {
  HostEntry out{};
  std::uint16_t length = 0;
  std::memcpy(&out.entry.inode, record, 8);
  std::memcpy(&out.entry.cookie, record + 8, 8);
  std::memcpy(&length, record + kRecordLengthOffset, sizeof(length));
  out.entry.type = static_cast<std::uint8_t>(record[kTypeOffset]);
  out.entry.name = reinterpret_cast<const char*>(record + kNameOffset);
  out.length = length;
  return out;
}

// Fills `buffer` as far as entries fit. Returns the bytes used, and sets `end` when the directory has no more.
Result<std::size_t> read_entries(int stream, std::span<std::byte> buffer, bool& end) {
  std::size_t used = 0;
  while (true) {
    const long count = ::syscall(SYS_getdents64, stream, buffer.data() + used, buffer.size() - used);
    // EINVAL: the next entry is longer than the room that is left.
    if (count < 0 && (errno != EINVAL || used == 0)) return last_errno();
    end = count == 0;
    if (count <= 0) return used;
    used += static_cast<std::size_t>(count);
  }
}

}  // namespace

Result<ReplyBody> Session::handle(const WalkRequest& request) {
  const Node* from = TRY(handles_.find(request.from));
  // Kept while no handle does.
  UniqueFd current;
  int current_fd = from->path.get();
  bool is_directory = from->type == S_IFDIR;
  WalkedReply reply;
  reply.nodes.reserve(request.names.size());
  for (std::size_t i = 0; i < request.names.size(); ++i) {
    Result<FileAttributes> step = [&]() -> Result<FileAttributes> {
      if (!is_directory) return Errno(ENOTDIR);
      UniqueFd next = TRY(open_entry(current_fd, TRY(component_name(request.names[i]))));
      FileAttributes attributes = TRY(attributes_of(next.get()));
      current_fd = next.get();
      if (request.handles.empty())
        current = std::move(next);
      else
        TRY(insert(request.handles[i], std::move(next), attributes));
      return attributes;
    }();
    if (!step.ok()) {
      reply.error = step.error().value();
      break;
    }
    is_directory = step->is_directory();
    reply.nodes.push_back(*step);
  }
  if (request.hold && reply.error == 0 && !is_directory && !request.handles.empty()) {
    // Without, when there are no descriptors left: the peer asks again then.
    const Result<Node*> last = handles_.find(request.handles[request.handles.size() - 1]);
    if (last.ok()) (void)donate_held(**last);
  }
  return ReplyBody(std::move(reply));
}

Result<ReplyBody> Session::handle(const ReadLinkRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  if (node->type != S_IFLNK) return Errno(EINVAL);
  const std::span<char> room(reinterpret_cast<char*>(scratch().data()), kMaxLinkTarget + 1);
  const ssize_t count = ::readlinkat(node->path.get(), "", room.data(), room.size());
  if (count < 0) return last_errno();
  if (static_cast<std::size_t>(count) > kMaxLinkTarget) return Errno(ENAMETOOLONG);
  return ReplyBody(DataReply{{room.data(), static_cast<std::size_t>(count)}});
}

// The stream of a directory, at the place that the cookie names.
Result<void> Session::seek_stream(Node& node, std::uint64_t cookie) {
  if (!node.stream.valid()) {
    node.stream = TRY(reopen(config_.proc_self_fd, node.path.get(), O_RDONLY | O_DIRECTORY));
    node.cookie = 0;
  }
  if (node.cookie == cookie && cookie != 0) return {};
  // The cookie is the peer's word; the host refuses or ends the directory at those that it never gave.
  return host_result(::lseek(node.stream.get(), static_cast<off_t>(cookie), SEEK_SET));
}

Result<ReplyBody> Session::handle(const ReadDirectoryRequest& request) {
  Node* node = TRY(find_directory(request.handle));
  TRY(seek_stream(*node, request.cookie));
  const std::size_t room = std::clamp<std::size_t>(request.max_bytes, kMinHostEntryBytes, kMaxDirectoryBytes);
  EntriesReply reply;
  reply.next_cookie = request.cookie;
  const std::span<const std::byte> raw =
      scratch().first(TRY(read_entries(node->stream.get(), scratch().first(room), reply.end)));
  for (std::size_t at = 0; at < raw.size();) {
    const HostEntry host = host_entry(raw.data() + at);
    at += host.length;
    reply.next_cookie = host.entry.cookie;
    // Some hosts have longer names than Linux allows to programs; like "." and "..", they are left out.
    if (check_component(host.entry.name).ok()) reply.entries.push_back(host.entry);
  }
  node->cookie = reply.next_cookie;
  // A directory that was read to its end is rarely read on: only the long ones hold a second descriptor.
  if (reply.end) node->stream.reset();
  return ReplyBody(std::move(reply));
}

}  // namespace runsc::gofer
