// inotify(7).
#pragma once

#include <sys/inotify.h>

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "boot/fs/anon/anon_file.h"
#include "boot/vfs/inode_watches.h"

namespace runsc {

class InotifyWatch;

// One instance. Thread-safe: events arrive from any thread.
class Inotify : public AnonFile {
 public:
  // `flags`: IN_NONBLOCK.
  explicit Inotify(int flags);
  ~Inotify() override;

  // inotify_add_watch(2) on what a path led to. EEXIST: IN_MASK_CREATE and there is a watch; ENOSPC: too many.
  Result<int> add_watch(const DentryPtr& dentry, std::uint32_t mask);
  // EINVAL: no such watch.
  Result<void> remove_watch(int descriptor);

  // Of the watch with this number: what happened. Dropped if it is the same as the last one, or the queue is full.
  void queue_event(int descriptor, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  // The watch ends by itself (IN_ONESHOT, the object is gone): forgets it and queues IN_IGNORED.
  void forget_watch(int descriptor);

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &waiters_; }

  // /proc/sys/fs/inotify/max_queued_events, and watches per instance.
  static constexpr std::size_t kMaxEvents = 16384;
  static constexpr std::size_t kMaxWatches = 65536;

 private:
  struct Event {
    int descriptor;
    std::uint32_t mask, cookie;
    std::string name;

    // With its name, padded to a multiple of the header's size.
    std::size_t size() const;
    friend bool operator==(const Event&, const Event&) = default;
  };
  struct State {
    std::deque<Event> events;
    std::map<int, std::shared_ptr<InotifyWatch>> watches;
    int last_descriptor = 0;
  };
  static Result<std::size_t> put(IoSink& sink, const Event& event);
  // Removes the watch from the instance; null if it is gone already.
  std::shared_ptr<InotifyWatch> take_watch(int descriptor);

  Guarded<State, LockLevel::kPipe> state_;
  WaitQueue waiters_;
};

}  // namespace runsc
