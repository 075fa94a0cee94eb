// Open files over host descriptors that the sandbox was given: standard input and output, passed pipes and sockets.
#pragma once

#include <atomic>
#include <mutex>

#include "boot/base/unique_fd.h"
#include "boot/kernel/host_poller.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Makes an open file of a donated descriptor: a regular file, pipe, FIFO, stream socket, terminal or other character
// device. Its access mode is the host's; the host's status flags are shared with processes outside and never changed.
// `poller` must outlive the file. EINVAL: a directory or block device.
Result<FilePtr> open_host_file(HostPoller& poller, UniqueFd fd);

// What all of them share.
class HostFile : public FileDescription {
 public:
  // `path` may be empty, for descriptors that were handed in.
  HostFile(UniqueFd fd, VfsPath path, OpenFlags flags) : FileDescription(std::move(path), flags), fd_(std::move(fd)) {}
  HostFile(UniqueFd fd, OpenFlags flags) : HostFile(std::move(fd), {}, flags) {}

  std::string anonymous_name() const override;
  Result<FileAttributes> attributes() override;
  // Around a duplicate of the descriptor: what is one object to the host stays one, its position included. EACCES: the
  // descriptor was not donated for that access.
  Result<FilePtr> reopen(OpenFlags flags) override;
  int host_fd() const override { return fd_.get(); }

 protected:
  // Of this one's class.
  virtual FilePtr make_another(UniqueFd fd, OpenFlags flags) = 0;

  const UniqueFd fd_;
};

// Has positions. The position is the host's, because processes outside may share it (`(runsc run a; echo b) > file`).
class HostRegularFile : public HostFile {
 public:
  using HostFile::HostFile;

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> seek(std::int64_t offset, int whence) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length) override;
  Result<void> sync(bool data_only) override;
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable) override;

 protected:
  FilePtr make_another(UniqueFd fd, OpenFlags flags) override {
    return std::make_shared<HostRegularFile>(std::move(fd), flags);
  }
};

// A descriptor that may have nothing to read yet. It may be in blocking mode, and its mode must not be changed. Reads
// use RWF_NOWAIT where the host has it, else they look with poll(2) first: when another process outside reads the same
// bytes in between, the task thread blocks in the host until more come. Writes look first and then write at most
// PIPE_BUF bytes, for which a writable pipe always has room; a terminal or socket may hold the thread up for as long as
// its reader is slow.
class HostStream : public HostFile {
 public:
  HostStream(HostPoller& poller, UniqueFd fd, VfsPath path, OpenFlags flags);
  ~HostStream() override;

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override;
  bool pollable() override;

 protected:
  FilePtr make_another(UniqueFd fd, OpenFlags flags) override {
    return std::make_shared<HostStream>(poller_, std::move(fd), VfsPath{}, flags);
  }
  HostPoller& poller() { return poller_; }

 private:
  Result<std::size_t> read_some(std::span<std::byte> to);
  // All of it.
  Result<void> write_chunk(std::span<const std::byte> from);

  HostPoller& poller_;
  WaitQueue queue_;
  // Only streams that somebody waits for are in the poller's set: the host tells it whenever the other end reads.
  std::once_flag poll_once_;
  std::atomic<bool> polled_{false};  // the host's epoll takes it
  std::atomic<bool> has_nowait_{true};
};

}  // namespace runsc
