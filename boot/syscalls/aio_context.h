// AioContext: what io_setup(2) makes: results that wait to be collected, and polls that have not come true yet.
#pragma once

#include <linux/aio_abi.h>

#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "boot/base/lock.h"
#include "boot/kernel/timer_queue.h"
#include "boot/kernel/wait_queue.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Adds 1 to an eventfd; nothing for a null pointer.
void signal_event_fd(const FilePtr& event_fd);

// Thread-safe.
//
// A poll lies in the wait queue of its file. The queue's notification may do nothing but ring: the timer thread then
// looks at the files without a lock. (An eventfd may be told of a poll on another eventfd, and that one of the first:
// telling it from the notification would take the queues' locks in a circle.)
class AioContext : public std::enable_shared_from_this<AioContext> {
 public:
  // IOCB_CMD_POLL. `request`: the address of its iocb.
  struct Poll {
    std::uint64_t request;
    std::uint64_t data;
    FilePtr file;
    EventMask events;
    FilePtr event_fd;  // null: none
  };

  static std::shared_ptr<AioContext> create(TimerQueue& timers, std::uint64_t capacity);
  ~AioContext() { destroy(); }
  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;

  // Reserves room for one result. False: EAGAIN.
  bool reserve();
  void unreserve();
  void complete(const io_event& event);
  // For which room was reserved. It may complete at once.
  void add_poll(Poll poll);
  std::vector<io_event> take(std::size_t most);
  std::size_t done_count() const { return state_.lock()->done.size(); }
  // io_cancel(2) of a poll. False: there is none of this address.
  bool cancel(std::uint64_t request);
  bool destroyed() const { return destroyed_.load(); }
  // io_destroy(2). Open polls are dropped; who waits wakes.
  void destroy();
  WaitQueue& queue() { return queue_; }

 private:
  class Bell;
  class OpenPoll;
  using OpenPollPtr = std::shared_ptr<OpenPoll>;
  struct State {
    std::size_t in_use = 0;
    std::deque<io_event> done;
    std::list<OpenPollPtr> polls;
  };

  explicit AioContext(std::uint64_t capacity) : capacity_(capacity) {}
  void finish_polls();
  // The events that have come true of those that the poll asks for.
  static EventMask ready_events(const Poll& poll);
  // Makes a result of it unless somebody else has.
  bool finish(const OpenPollPtr& poll, EventMask result);

  const std::uint64_t capacity_;
  std::shared_ptr<Bell> bell_;
  std::atomic<bool> destroyed_{false};
  Guarded<State, LockLevel::kLeaf> state_;
  WaitQueue queue_;
};
using AioContextPtr = std::shared_ptr<AioContext>;

}  // namespace runsc
