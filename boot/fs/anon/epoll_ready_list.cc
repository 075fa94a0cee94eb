#include "boot/fs/anon/epoll_item.h"

namespace runsc {

void EpollReadyList::insert(State& state, Items::iterator at, const std::shared_ptr<EpollItem>& item) {
  if (item->listed_ || closed()) return;
  item->listed_ = true;
  state.items.insert(at, item);
}

void EpollReadyList::add(const std::shared_ptr<EpollItem>& item) {
  {
    auto state = state_.lock();
    if (item->listed_) return;
    insert(*state, state->items.end(), item);
  }
  queue_.notify(POLLIN | POLLRDNORM);
}

void EpollReadyList::close() {
  Items dropped;
  auto state = state_.lock();
  closed_.store(true, std::memory_order_release);
  dropped.swap(state->items);
  state.unlock();
}

bool EpollReadyList::maybe_ready() const {
  auto state = state_.lock();
  return state->taken || !state->items.empty();
}

std::vector<std::shared_ptr<EpollItem>> EpollReadyList::take() {
  auto state = state_.lock();
  std::vector<std::shared_ptr<EpollItem>> taken(state->items.begin(), state->items.end());
  state->items.clear();
  for (const auto& item : taken) item->listed_ = false;
  state->taken = true;
  return taken;
}

void EpollReadyList::finish(std::span<const std::shared_ptr<EpollItem>> first,
                            std::span<const std::shared_ptr<EpollItem>> last) {
  auto state = state_.lock();
  const auto front = state->items.begin();
  for (const auto& item : first) insert(*state, front, item);
  for (const auto& item : last) insert(*state, state->items.end(), item);
  state->taken = false;
}

void EpollReadyList::erase(const std::shared_ptr<EpollItem>& item) {
  auto state = state_.lock();
  if (!item->listed_) return;
  item->listed_ = false;
  state->items.remove(item);
}

}  // namespace runsc
