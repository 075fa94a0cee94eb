#include "boot/syscalls/async_io.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>

#include "boot/kernel/timer_queue.h"
#include "boot/syscalls/owner_teller.h"

namespace runsc {
namespace {

// An event that no file has: O_ASYNC was taken back.
constexpr EventMask kEnd = 1U << 27;

// Hears of what happens to a file for as long as it is O_ASYNC. Its wait queue owns it, and drops it afterwards.
// Signals need locks that may not be taken in a notification: the timer thread sends them.
class AsyncNotice : public Waiter {
 public:
  static std::shared_ptr<AsyncNotice> create(CurrentTask& task, Fd fd, const FilePtr& file) {
    auto notice = std::make_shared<AsyncNotice>(OwnerTeller(task, fd, file), file);
    notice->timer_.emplace(task.kernel().timers(), [weak = std::weak_ptr(notice)] {
      if (const auto self = weak.lock()) self->tell();
    });
    return notice;
  }

  AsyncNotice(OwnerTeller teller, const FilePtr& file) : teller_(std::move(teller)), file_(file) {}

  void notify(EventMask events) override {
    if ((events & kEnd) != 0) return ended_.store(true);
    events_.fetch_or(events);
    timer_->expire_soon();
  }
  // Not by way of the file's flags: its last reference must not end under a queue's lock.
  bool expired() const override { return ended_.load() || file_.expired(); }

 private:
  void tell() {
    const EventMask events = events_.exchange(0);
    const FilePtr file = file_.lock();
    if (file == nullptr || ended_.load()) return;
    constexpr EventMask kInput = POLLIN | POLLRDNORM | kAlwaysReported;
    if ((events & kInput) != 0 && file->flags().readable()) teller_.tell(POLL_IN, POLLIN | POLLRDNORM);
    if ((events & (POLLOUT | POLLWRNORM)) != 0 && file->flags().writable())
      teller_.tell(POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
  }

  const OwnerTeller teller_;
  const std::weak_ptr<FileDescription> file_;
  std::atomic<EventMask> events_{0};
  std::atomic<bool> ended_{false};
  std::optional<Timer> timer_;
};

// Pipes, sockets, terminals and inotify; Linux's other files have no such signals.
bool has_signals(FileDescription& file) {
  if (file.wait_queue() == nullptr) return false;
  const Result<FileAttributes> attributes = file.attributes();
  if (!attributes.ok()) return false;
  const auto type = attributes->mode & S_IFMT;
  return type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR ||
         file.anonymous_name().find("inotify") != std::string::npos;
}

}  // namespace

void update_async_io(CurrentTask& task, Fd fd, const FilePtr& file, int old_flags) {
  const bool was = (old_flags & O_ASYNC) != 0, is = file->flags().has(O_ASYNC);
  if (was == is || !has_signals(*file)) return;
  if (is)
    file->wait_queue()->add_owned(AsyncNotice::create(task, fd, file), POLLIN | POLLOUT | kEnd, false);
  else
    file->wait_queue()->notify(kEnd);
}

}  // namespace runsc
