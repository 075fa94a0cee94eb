#include "boot/fs/mqueue/posix_queue.h"

#include <array>
#include <csignal>
#include <cstdio>

namespace runsc {
namespace {

constexpr EventMask kReadable = POLLIN | POLLRDNORM;
constexpr EventMask kWritable = POLLOUT | POLLWRNORM;

}  // namespace

Result<std::optional<MqueueNotification>> PosixQueue::send(QueuedMessage& message) {
  if (message.bytes.size() > static_cast<std::size_t>(limits_.max_size)) return Errno(EMSGSIZE);
  std::optional<MqueueNotification> notification;
  {
    auto state = state_.lock();
    if (state->count >= static_cast<std::size_t>(limits_.max_messages)) return Errno(EAGAIN);
    const bool is_news = state->count == 0 && state->receivers == 0;
    state->bytes += message.bytes.size();
    ++state->count;
    state->messages[message.priority].push_back(std::move(message.bytes));
    if (is_news) notification.swap(state->notification);
  }
  changed_.notify(kReadable);
  return notification;
}

Result<QueuedMessage> PosixQueue::receive(std::size_t room) {
  if (room < static_cast<std::size_t>(limits_.max_size)) return Errno(EMSGSIZE);
  QueuedMessage message;
  {
    auto state = state_.lock();
    if (state->count == 0) return Errno(EAGAIN);
    const auto highest = state->messages.begin();
    message.priority = highest->first;
    message.bytes = std::move(highest->second.front());
    highest->second.pop_front();
    if (highest->second.empty()) state->messages.erase(highest);
    state->bytes -= message.bytes.size();
    --state->count;
  }
  changed_.notify(kWritable);
  return message;
}

void PosixQueue::add_receiver(int count) { state_.lock()->receivers += count; }

Result<void> PosixQueue::set_notification(const MqueueNotification& notification) {
  auto state = state_.lock();
  // An owner that has ended without closing its descriptor first is none.
  if (state->notification && !state->notification->owner.expired()) return Errno(EBUSY);
  state->notification = notification;
  return {};
}

void PosixQueue::clear_notification(const ThreadGroup& owner) {
  auto state = state_.lock();
  if (state->notification && state->notification->owner.lock().get() == &owner) state->notification.reset();
}

EventMask PosixQueue::readiness() const {
  const std::size_t present = count();
  return (present != 0 ? kReadable : 0) | (present < static_cast<std::size_t>(limits_.max_messages) ? kWritable : 0);
}

std::string PosixQueue::describe() const {
  auto state = state_.lock();
  const MqueueNotification none;
  const MqueueNotification& shown = state->notification ? *state->notification : none;
  const int signal = shown.notify == SIGEV_SIGNAL ? shown.signal : 0;
  std::array<char, 96> line;
  std::snprintf(line.data(), line.size(), "QSIZE:%-10zu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", state->bytes,
                shown.notify, signal, raw(shown.owner_pid));
  return line.data();
}

}  // namespace runsc
