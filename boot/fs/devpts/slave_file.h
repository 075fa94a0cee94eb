// An open slave of a pseudoterminal: the end that programs use as their terminal.
#pragma once

#include "boot/fs/devpts/pty.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// `path`: /dev/pts/N, or /dev/tty. EIO: locked, or the master is closed. EBUSY: TIOCEXCL.
Result<FilePtr> open_slave_file(PtyPtr pty, const VfsPath& path, OpenFlags flags);

class SlaveFile : public FileDescription {
 public:
  // `opened`: what Pty::open_slave() gave, which this object closes.
  SlaveFile(VfsPath path, OpenFlags flags, PtyPtr pty, unsigned opened)
      : FileDescription(std::move(path), flags), pty_(std::move(pty)), opened_(opened) {}
  ~SlaveFile() override { pty_->close_slave(); }

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &pty_->slave_queue(); }
  OptionalDeadline read_deadline(std::int64_t started_ns) override;
  Result<std::size_t> read_at_deadline(IoSink& sink) override;

  Pty& pty() const { return *pty_; }

 private:
  bool hung_up() const { return pty_->hung_up(opened_); }

  const PtyPtr pty_;
  const unsigned opened_;
};

}  // namespace runsc
