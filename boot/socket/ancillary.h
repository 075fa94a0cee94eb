// What travels beside the bytes of a message: descriptors and credentials (unix(7)).
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "boot/kernel/thread_group.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class CurrentTask;

// Who sent a message or made a connection. The process and not its number, because each reader's pid namespace has its
// own.
struct Sender {
  ThreadGroupPtr group;  // null: nobody in particular
  Uid uid{kOverflowUid};
  Gid gid{kOverflowGid};

  friend bool operator==(const Sender&, const Sender&) = default;
};

// The task that the calling thread serves, as the sender of a message: with its real ids. The default outside of tasks.
Sender current_sender();
// As the peer of a connection: with its effective ids.
Sender current_peer();

// As the namespaces of the task that asks know it: pid 0 and ids of 65534 where they do not.
ucred shown_credentials(CurrentTask& reader, const Sender& sender);

// How many descriptors lie in messages that nobody has received yet.
using InFlightCount = std::shared_ptr<std::atomic<int>>;

// Descriptors in a message. Files that end with it are released one after the other and not inside each other: a
// message may hold a socket that holds a message that holds a socket ..., and the stack is finite.
class PassedFiles {
 public:
  PassedFiles() = default;
  PassedFiles(std::vector<FilePtr> files, InFlightCount count);
  PassedFiles(PassedFiles&& other) noexcept { *this = std::move(other); }
  PassedFiles& operator=(PassedFiles&& other) noexcept;
  ~PassedFiles() { clear(); }

  bool empty() const { return files_.empty(); }
  const std::vector<FilePtr>& files() const { return files_; }
  // For MSG_PEEK.
  PassedFiles copy() const { return PassedFiles(files_, count_); }
  void clear();

 private:
  std::vector<FilePtr> files_;
  InFlightCount count_;
};

// SCM_MAX_FD.
inline constexpr std::size_t kMaxPassedFiles = 253;

struct Ancillary {
  PassedFiles files;
  Sender sender;
};

}  // namespace runsc
