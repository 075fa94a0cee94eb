#include "boot/kernel/host_poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

#include "boot/base/host_call.h"
#include "boot/base/lock.h"
#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

constexpr int kStop = -1;  // what the event of the stop descriptor bears in place of a descriptor

Result<void> add_to_set(int set, int fd, std::uint32_t events, int tag) {
  epoll_event event{};
  event.events = events;
  event.data.fd = tag;
  if (::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) return last_errno();
  return {};
}

}  // namespace

struct HostPoller::Impl {
  UniqueFd set, stop;  // from the start of the thread on
  std::thread thread;
  // Held while a queue is notified, so that remove() waits for that.
  Guarded<std::map<int, WaitQueue*>, LockLevel::kHostPoller> queues;
  std::mutex start_mutex;  // is the thread running? Nothing else is locked under it

  Result<void> start();
  void run();
  void deliver(const epoll_event& event);
};

Result<void> HostPoller::Impl::start() {
  const std::lock_guard starting(start_mutex);
  if (thread.joinable()) return {};
  set = UniqueFd(TRY(HOST_CALL(::epoll_create1(EPOLL_CLOEXEC))));
  stop = UniqueFd(TRY(HOST_CALL(::eventfd(0, EFD_CLOEXEC))));
  TRY(add_to_set(set.get(), stop.get(), EPOLLIN, kStop));
  try {
    thread = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return Errno(error.code().value());
  }
  return {};
}

void HostPoller::Impl::deliver(const epoll_event& event) {
  auto known = queues.lock();
  // Missing: removed after the host reported it. A new queue under a reused number is notified once for nothing.
  const auto it = known->find(event.data.fd);
  if (it != known->end()) it->second->notify(event.events);
}

void HostPoller::Impl::run() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(set.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == kStop) return;
      deliver(events[i]);
    }
  }
}

HostPoller::HostPoller() : impl_(std::make_unique<Impl>()) {}

HostPoller::~HostPoller() {
  if (!impl_->thread.joinable()) return;
  const std::uint64_t one = 1;
  (void)HOST_CALL(::write(impl_->stop.get(), &one, sizeof one));
  impl_->thread.join();
}

Result<void> HostPoller::add(int fd, WaitQueue& queue) {
  TRY(impl_->start());
  // Known before the host can report it.
  impl_->queues.lock()->insert_or_assign(fd, &queue);
  constexpr std::uint32_t kEvents =
      EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLPRI | EPOLLRDBAND | EPOLLRDHUP | EPOLLET;
  const auto added = add_to_set(impl_->set.get(), fd, kEvents, fd);
  if (!added.ok()) impl_->queues.lock()->erase(fd);
  return added;
}

void HostPoller::remove(int fd) {
  if (impl_->queues.lock()->erase(fd) == 0) return;
  epoll_event unused{};
  (void)HOST_CALL(::epoll_ctl(impl_->set.get(), EPOLL_CTL_DEL, fd, &unused));
}

EventMask HostPoller::readiness(int fd, EventMask interest) {
  pollfd entry{fd, static_cast<short>(interest), 0};
  if (::poll(&entry, 1, 0) < 0) return POLLERR;
  return static_cast<EventMask>(static_cast<unsigned short>(entry.revents));
}

}  // namespace runsc
