#include "boot/fs/anon/inotify.h"

#include <sys/ioctl.h>

#include <algorithm>

#include "boot/fs/anon/inotify_watch.h"
#include "boot/kernel/current_task.h"
#include "boot/vfs/dentry.h"

namespace runsc {

Inotify::Inotify(int flags) : AnonFile("inotify", OpenFlags{O_RDONLY | (flags & IN_NONBLOCK)}) {}

Inotify::~Inotify() {
  std::map<int, std::shared_ptr<InotifyWatch>> watches;
  watches.swap(state_.lock()->watches);
  for (const auto& [descriptor, watch] : watches) watch->disconnect();
}

Result<int> Inotify::add_watch(const DentryPtr& dentry, std::uint32_t mask) {
  const InodePtr inode = dentry->inode();
  if (inode == nullptr) return Errno(ENOENT);
  if (const auto known = std::static_pointer_cast<InotifyWatch>(inode->watches().find(this))) {
    if ((mask & IN_MASK_CREATE) != 0) return Errno(EEXIST);
    known->change(mask);
    return known->descriptor();
  }
  std::shared_ptr<InotifyWatch> watch;
  {
    auto state = state_.lock();
    if (state->watches.size() >= kMaxWatches) return Errno(ENOSPC);
    const int descriptor = ++state->last_descriptor;
    watch =
        std::make_shared<InotifyWatch>(std::static_pointer_cast<Inotify>(shared_from_this()), descriptor, dentry, mask);
    state->watches.emplace(descriptor, watch);
  }
  inode->watches().add(watch);
  return watch->descriptor();
}

std::shared_ptr<InotifyWatch> Inotify::take_watch(int descriptor) {
  auto state = state_.lock();
  const auto it = state->watches.find(descriptor);
  if (it == state->watches.end()) return nullptr;
  auto watch = std::move(it->second);
  state->watches.erase(it);
  return watch;
}

Result<void> Inotify::remove_watch(int descriptor) {
  const auto watch = take_watch(descriptor);
  if (watch == nullptr) return Errno(EINVAL);
  watch->disconnect();
  queue_event(descriptor, IN_IGNORED, 0, {});
  return {};
}

void Inotify::forget_watch(int descriptor) { (void)remove_watch(descriptor); }

std::size_t Inotify::Event::size() const {
  constexpr std::size_t kUnit = sizeof(inotify_event);
  const std::size_t padded = name.empty() ? 0 : (name.size() + 1 + kUnit - 1) / kUnit * kUnit;
  return kUnit + padded;
}

void Inotify::queue_event(int descriptor, std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  {
    auto state = state_.lock();
    Event event{descriptor, mask, cookie, std::string(name)};
    auto& events = state->events;
    if (!events.empty() && events.back() == event) return;
    if (events.size() > kMaxEvents) return;
    if (events.size() == kMaxEvents) event = {-1, IN_Q_OVERFLOW, 0, {}};
    events.push_back(std::move(event));
  }
  waiters_.notify(POLLIN | POLLRDNORM);
}

Result<std::size_t> Inotify::put(IoSink& sink, const Event& event) {
  std::vector<std::byte> bytes(event.size());
  inotify_event header{};
  header.wd = event.descriptor;
  header.mask = event.mask;
  header.cookie = event.cookie;
  header.len = static_cast<std::uint32_t>(bytes.size() - sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, event.name.data(), event.name.size());
  if (TRY(sink.put(bytes)) < bytes.size()) return Errno(EFAULT);
  return bytes.size();
}

Result<std::size_t> Inotify::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  auto state = state_.lock();
  if (state->events.empty()) return Errno(EAGAIN);
  std::size_t done = 0;
  while (!state->events.empty() && state->events.front().size() <= sink.remaining()) {
    const auto put_bytes = put(sink, state->events.front());
    if (!put_bytes.ok()) return done != 0 ? Result<std::size_t>(done) : put_bytes;
    done += *put_bytes;
    state->events.pop_front();
  }
  return done != 0 ? Result<std::size_t>(done) : Errno(EINVAL);
}

Result<std::int64_t> Inotify::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  if (command != FIONREAD) return Errno(ENOTTY);
  std::size_t bytes = 0;
  {
    auto state = state_.lock();
    for (const Event& event : state->events) bytes += event.size();
  }
  TRY(task.write(UserOut<int>{{argument}}, static_cast<int>(bytes)));
  return 0;
}

EventMask Inotify::readiness(EventMask) {
  auto state = state_.lock();
  return state->events.empty() ? 0 : POLLIN | POLLRDNORM;
}

}  // namespace runsc
