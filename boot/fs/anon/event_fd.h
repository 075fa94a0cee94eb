// eventfd(2).
#pragma once

#include <cstdint>

#include "boot/fs/anon/anon_file.h"

namespace runsc {

// Thread-safe.
class EventFd : public AnonFile {
 public:
  // `flags`: EFD_SEMAPHORE, EFD_NONBLOCK.
  EventFd(unsigned initial, int flags);

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::size_t> write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &queue_; }

 private:
  Guarded<std::uint64_t, LockLevel::kPipe> count_;
  bool semaphore_;
  WaitQueue queue_;
};

}  // namespace runsc
