#include "boot/containers/gofer_watch.h"

#include <sys/epoll.h>

#include <array>

#include "boot/base/host_call.h"

namespace runsc {

GoferWatch::GoferWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

Result<void> GoferWatch::add(const std::string& container, const std::vector<UniqueFd>& connections) {
  for (const UniqueFd& connection : connections) {
    containers_.lock()->insert_or_assign(connection.get(), container);
    // One-shot: a dead connection stays readable.
    epoll_event event{.events = EPOLLRDHUP | EPOLLONESHOT, .data = {.fd = connection.get()}};
    TRY(HOST_CALL(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.get(), &event)));
  }
  return {};
}

void GoferWatch::remove(const std::vector<UniqueFd>& connections) {
  for (const UniqueFd& connection : connections) {
    if (containers_.lock()->erase(connection.get()) != 0)
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.get(), nullptr);
  }
}

std::vector<std::string> GoferWatch::take() {
  std::array<epoll_event, 16> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  std::vector<std::string> dead;
  auto containers = containers_.lock();
  for (int i = 0; i < count; ++i) {
    const auto it = containers->find(events[static_cast<std::size_t>(i)].data.fd);
    if (it != containers->end()) dead.push_back(it->second);
  }
  return dead;
}

}  // namespace runsc
