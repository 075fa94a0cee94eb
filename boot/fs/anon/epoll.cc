#include "boot/fs/anon/epoll.h"

#include <algorithm>

#include "boot/fs/anon/epoll_item.h"

namespace runsc {
namespace {

// EP_MAX_NESTS of Linux: so many steps from an instance to one nested in it.
constexpr int kMaxNesting = 4;

// What may accompany EPOLLEXCLUSIVE.
constexpr std::uint32_t kExclusiveOk =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

bool is_exclusive(std::uint32_t events) { return (events & EPOLLEXCLUSIVE) != 0; }

}  // namespace

Epoll::Epoll() : AnonFile("eventpoll", OpenFlags{O_RDWR}), ready_(std::make_shared<EpollReadyList>()) {}

Epoll::~Epoll() {
  ready_->close();
  std::map<Key, ItemPtr> items;
  items.swap(state_.lock()->items);
  for (const auto& [key, item] : items) {
    item->detach();
    // A file that is gone takes its queue with it, or the queue drops the item at its next notification.
    if (const FilePtr file = item->file()) {
      if (WaitQueue* queue = file->wait_queue()) queue->remove(*item);
    }
  }
}

Result<void> Epoll::control(int operation, Fd fd, const FilePtr& file, const epoll_event& event) {
  if (!file->pollable() || file->wait_queue() == nullptr) return Errno(EPERM);
  if (file.get() == this) return Errno(EINVAL);
  const Key key{fd, file.get()};
  switch (operation) {
    case EPOLL_CTL_ADD:
      return add(key, file, event);
    case EPOLL_CTL_MOD:
      return modify(key, file, event);
    case EPOLL_CTL_DEL:
      return remove(key, file);
    default:
      return Errno(EINVAL);
  }
}

std::vector<Epoll::ItemPtr> Epoll::sweep(State& state) {
  std::vector<ItemPtr> dropped;
  if (state.items.size() < state.sweep_at) return dropped;
  std::erase_if(state.items, [&](auto& entry) {
    if (!entry.second->expired()) return false;
    dropped.push_back(entry.second);
    return true;
  });
  state.sweep_at = std::max<std::size_t>(64, state.items.size() * 2);
  return dropped;
}

Result<void> Epoll::add(const Key& key, const FilePtr& file, const epoll_event& event) {
  const auto nested = std::dynamic_pointer_cast<Epoll>(file);
  if (is_exclusive(event.events) && (nested || (event.events & ~kExclusiveOk) != 0)) return Errno(EINVAL);
  epoll_event wanted = event;
  wanted.events |= kAlwaysReported;
  const auto item = std::make_shared<EpollItem>(ready_, key.first, file, wanted);
  std::vector<ItemPtr> dropped;
  {
    auto state = state_.lock();
    dropped = sweep(*state);
    ItemPtr& place = state->items[key];
    if (place != nullptr && place->file() == file) return Errno(EEXIST);
    dropped.push_back(std::exchange(place, item));  // of a description that is gone, or null
  }
  // The item can be found before the check, and is not connected before it: of two calls that would close a cycle
  // together, the later one sees the other's item.
  if (nested) {
    const auto checked = check_nesting(file);
    if (!checked.ok()) {
      state_.lock()->items.erase(key);
      return checked;
    }
    auto parents = nested->parents_.lock();
    std::erase_if(*parents, [](const auto& parent) { return parent.expired(); });
    parents->push_back(weak_from_this());
  }
  file->wait_queue()->add_owned(item, kAllEvents, is_exclusive(event.events));
  if ((file->readiness(item->interest()) & item->interest()) != 0) ready_->add(item);
  return {};
}

Result<void> Epoll::modify(const Key& key, const FilePtr& file, const epoll_event& event) {
  if (is_exclusive(event.events)) return Errno(EINVAL);
  ItemPtr item;
  {
    auto state = state_.lock();
    const auto found = state->items.find(key);
    if (found == state->items.end()) return Errno(ENOENT);
    item = found->second;
    if (is_exclusive(item->events())) return Errno(EINVAL);
    item->change(event);
  }
  if ((file->readiness(item->interest()) & item->interest()) != 0) ready_->add(item);
  return {};
}

Result<void> Epoll::remove(const Key& key, const FilePtr& file) {
  ItemPtr item;
  {
    auto state = state_.lock();
    const auto found = state->items.find(key);
    if (found == state->items.end()) return Errno(ENOENT);
    item = std::move(found->second);
    state->items.erase(found);
  }
  item->detach();
  file->wait_queue()->remove(*item);
  ready_->erase(item);
  if (const auto nested = std::dynamic_pointer_cast<Epoll>(file)) {
    auto parents = nested->parents_.lock();
    const auto self = std::find_if(parents->begin(), parents->end(),
                                   [this](const auto& parent) { return parent.lock().get() == this; });
    if (self != parents->end()) parents->erase(self);
  }
  return {};
}

EventMask Epoll::ready_events(EpollItem& item, Files& files) {
  if (item.detached() || item.disabled()) return 0;
  FilePtr file = item.file();
  if (!file) return 0;
  const EventMask ready = file->readiness(item.interest()) & item.interest();
  files.push_back(std::move(file));
  return ready;
}

void Epoll::report(EpollItem& item, EventMask ready, std::vector<epoll_event>& events, std::vector<ItemPtr>& again) {
  epoll_event event{};
  event.events = ready;
  event.data.u64 = item.data();
  events.push_back(event);
  if ((item.events() & EPOLLONESHOT) != 0) {
    item.disable();
  } else if ((item.events() & EPOLLET) == 0) {
    again.push_back(item.shared_from_this());
  }
}

std::vector<epoll_event> Epoll::harvest(std::size_t limit) {
  std::vector<epoll_event> events;
  if (!ready_->maybe_ready()) return events;
  Files files;
  std::vector<ItemPtr> items, again;
  auto state = state_.lock();
  items = ready_->take();
  std::size_t next = 0;
  for (; next < items.size() && events.size() < limit; ++next) {
    const EventMask ready = ready_events(*items[next], files);
    if (ready != 0) report(*items[next], ready, events, again);
  }
  // Level-triggered ones are asked again the next time, after the others.
  ready_->finish(std::span(items).subspan(next), again);
  state.unlock();
  return events;
}

void Epoll::pass_on() {
  if (ready_->maybe_ready()) ready_->queue().notify(POLLIN | POLLRDNORM);
}

EventMask Epoll::readiness(EventMask) {
  if (!ready_->maybe_ready()) return 0;
  Files files;
  std::vector<ItemPtr> items;
  auto state = state_.lock();
  items = ready_->take();
  std::size_t next = 0;
  while (next < items.size() && ready_events(*items[next], files) == 0) ++next;
  // What is not ready leaves the list: it comes back with its next notification.
  ready_->finish(std::span(items).subspan(next), {});
  const bool ready = next < items.size();
  state.unlock();
  return ready ? POLLIN | POLLRDNORM : 0;
}

std::vector<std::shared_ptr<Epoll>> Epoll::nested() {
  std::vector<ItemPtr> items;
  {
    auto state = state_.lock();
    for (const auto& [key, item] : state->items) items.push_back(item);
  }
  std::vector<std::shared_ptr<Epoll>> result;
  for (const ItemPtr& item : items) {
    if (auto epoll = std::dynamic_pointer_cast<Epoll>(item->file())) result.push_back(std::move(epoll));
  }
  return result;
}

int Epoll::height(const Epoll* wanted, int depth) {
  if (this == wanted || depth > kMaxNesting) return kMaxNesting + 1;
  int result = 0;
  for (const auto& inner : nested()) result = std::max(result, inner->height(wanted, depth + 1) + 1);
  return result;
}

int Epoll::depth_of_parents(int depth) {
  if (depth > kMaxNesting) return depth;
  const auto parents = *parents_.lock();
  int result = 0;
  for (const auto& parent : parents) {
    if (const auto epoll = std::dynamic_pointer_cast<Epoll>(parent.lock()))
      result = std::max(result, epoll->depth_of_parents(depth + 1) + 1);
  }
  return result;
}

Result<void> Epoll::check_nesting(const FilePtr& target) {
  const int below = static_cast<Epoll&>(*target).height(this, 0);
  if (below > kMaxNesting || below + 1 + depth_of_parents(0) > kMaxNesting) return Errno(ELOOP);
  return {};
}

}  // namespace runsc
