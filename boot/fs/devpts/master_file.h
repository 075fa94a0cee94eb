// The open master of a pseudoterminal: the end of the program that shows the terminal to somebody.
#pragma once

#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/fs/devpts/pty.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class MasterFile : public FileDescription {
 public:
  // `root`: the root of `file_system` as its mount shows it, for TIOCGPTPEER.
  MasterFile(VfsPath path, OpenFlags flags, PtyPtr pty, std::shared_ptr<DevptsFileSystem> file_system, VfsPath root)
      : FileDescription(std::move(path), flags),
        file_system_(std::move(file_system)),
        root_(std::move(root)),
        pty_(std::move(pty)) {}
  ~MasterFile() override;

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  EventMask readiness(EventMask) override { return pty_->master_readiness(); }
  WaitQueue* wait_queue() override { return &pty_->master_queue(); }

 private:
  Result<std::int64_t> open_peer(CurrentTask& task, OpenFlags flags);

  const std::shared_ptr<DevptsFileSystem> file_system_;
  const VfsPath root_;
  const PtyPtr pty_;
};

}  // namespace runsc
