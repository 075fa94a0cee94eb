// A terminal of the host as standard input and output.
#pragma once

#include "boot/fs/host/host_file.h"
#include "boot/kernel/terminal.h"

namespace runsc {

// The host has the line discipline, so that settings and window size are passed on to it. Its idea of sessions and
// process groups means nothing here: job control is the application kernel's own (`terminal`). Only the ioctls of a
// fixed list reach the host, with structures of a fixed size; TIOCSTI and the console's are not among them.
class HostTerminal : public HostStream {
 public:
  HostTerminal(HostPoller& poller, UniqueFd fd, OpenFlags flags);
  // Another open file of the terminal, found at `path` (/dev/tty).
  HostTerminal(HostPoller& poller, UniqueFd fd, VfsPath path, OpenFlags flags, std::shared_ptr<Terminal> terminal);

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;

  // Three descriptors of one host terminal are one terminal: makes this one share the job control of `other`.
  void share_terminal(const HostTerminal& other) { terminal_ = other.terminal_; }
  const std::shared_ptr<Terminal>& terminal() const { return terminal_; }

 protected:
  FilePtr make_another(UniqueFd fd, OpenFlags flags) override {
    return std::make_shared<HostTerminal>(poller(), std::move(fd), VfsPath{}, flags, terminal_);
  }

 private:
  std::shared_ptr<Terminal> terminal_;
};

}  // namespace runsc
