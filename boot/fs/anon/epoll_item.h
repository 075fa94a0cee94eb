// One file in an epoll instance.
#pragma once

#include "boot/fs/anon/epoll.h"

namespace runsc {

// As a waiter it lies in the wait queue of its file, which owns it, too.
class EpollItem : public Waiter, public std::enable_shared_from_this<EpollItem> {
 public:
  // Not events but how they are reported (EP_PRIVATE_BITS of Linux).
  static constexpr std::uint32_t kModeBits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

  EpollItem(std::shared_ptr<EpollReadyList> ready, Fd fd, const FilePtr& file, const epoll_event& event)
      : ready_(std::move(ready)), fd_(fd), file_(file), events_(event.events), data_(event.data.u64) {}

  Fd fd() const { return fd_; }
  FilePtr file() const { return file_.lock(); }
  std::uint32_t events() const { return events_.load(std::memory_order_acquire); }
  EventMask interest() const { return (events() & ~kModeBits) | kAlwaysReported; }
  bool disabled() const { return (events() & ~kModeBits) == 0; }  // EPOLLONESHOT has fired
  std::uint64_t data() const { return data_; }
  // With the instance's lock held.
  void change(const epoll_event& event) {
    data_ = event.data.u64;
    events_.store(event.events | kAlwaysReported, std::memory_order_release);
  }
  void disable() { events_.store(events() & kModeBits, std::memory_order_release); }

  // Removed from its instance: a notification that is under way, or a queue that still holds it, has no effect.
  void detach() { detached_.store(true, std::memory_order_release); }
  bool detached() const { return detached_.load(std::memory_order_acquire); }

  void notify(EventMask events) override {
    if (detached() || disabled() || (with_synonyms(events) & interest()) == 0) return;
    ready_->add(shared_from_this());
  }
  bool expired() const override { return detached() || ready_->closed() || file_.expired(); }

  // POLLIN and POLLRDNORM are one event to all files here, and so are POLLOUT and POLLWRNORM.
  static EventMask with_synonyms(EventMask events) {
    if ((events & (POLLIN | POLLRDNORM)) != 0) events |= POLLIN | POLLRDNORM;
    if ((events & (POLLOUT | POLLWRNORM)) != 0) events |= POLLOUT | POLLWRNORM;
    return events;
  }

 private:
  friend class EpollReadyList;
  const std::shared_ptr<EpollReadyList> ready_;
  const Fd fd_;
  const std::weak_ptr<FileDescription> file_;
  std::atomic<std::uint32_t> events_;
  std::uint64_t data_;  // guarded by the instance's lock
  std::atomic<bool> detached_{false};
  bool listed_ = false;  // in the ready list; guarded by its lock
};

}  // namespace runsc
