// Control messages of sendmsg(2) and recvmsg(2) (cmsg(3)).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "boot/kernel/current_task.h"
#include "boot/socket/socket.h"

namespace runsc {

struct SentControl {
  Ancillary ancillary;
  std::vector<std::byte> family;  // SendRequest::control
};

// What the application's control messages ask for. `control` is a copy of them. EINVAL: malformed, or unknown at
// SOL_SOCKET; EBADF, EPERM, ETOOMANYREFS: their content.
Result<SentControl> parse_control(CurrentTask& task, Socket& socket, std::span<const std::byte> control);

// Collects control messages for the application, within the room that it gave.
class ControlWriter {
 public:
  explicit ControlWriter(std::size_t room) : room_(room) {}

  // Cut short, or left out, where the room does not suffice.
  void add(int level, int type, std::span<const std::byte> data);
  // Installs the files and adds SCM_RIGHTS; those for which there is no room, or no descriptor, are closed.
  void add_files(CurrentTask& task, PassedFiles files, bool close_on_exec);
  void add_credentials(CurrentTask& task, const Sender& sender);
  // Whole messages of a family's own, one after the other.
  void add_raw(std::span<const std::byte> messages);

  bool truncated() const { return truncated_; }  // MSG_CTRUNC
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::size_t left() const { return room_ - bytes_.size(); }

  std::size_t room_;
  std::vector<std::byte> bytes_;
  bool truncated_ = false;
};

}  // namespace runsc
