// PosixQueue: one POSIX message queue (mq_overview(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

class ThreadGroup;

inline constexpr unsigned kMqueuePriorities = 32768;  // MQ_PRIO_MAX

struct MqueueLimits {
  std::int64_t max_messages = 10;
  std::int64_t max_size = 8192;  // of one message
  friend bool operator==(const MqueueLimits&, const MqueueLimits&) = default;
};

struct QueuedMessage {
  unsigned priority = 0;
  std::vector<std::byte> bytes;
};

// Who wants to hear of a message in the empty queue (mq_notify(3)): one process, once.
struct MqueueNotification {
  std::weak_ptr<ThreadGroup> owner;
  int notify = 0;  // SIGEV_NONE, SIGEV_SIGNAL
  int signal = 0;
  std::uint64_t value = 0;
  Pid owner_pid{};  // as the owner itself sees it, for read(2)
};

// Thread-safe. Nothing blocks: EAGAIN.
class PosixQueue {
 public:
  // `charge`: kept as long as the queue exists.
  PosixQueue(const MqueueLimits& limits, std::shared_ptr<void> charge) : limits_(limits), charge_(std::move(charge)) {}

  const MqueueLimits& limits() const { return limits_; }
  WaitQueue& changed() { return changed_; }

  // Takes `message` out when there is room. Returns whom to notify, if anybody. EMSGSIZE: too long.
  Result<std::optional<MqueueNotification>> send(QueuedMessage& message);
  // The oldest of the highest priority. EMSGSIZE: `room` is less than what a message may have.
  Result<QueuedMessage> receive(std::size_t room);
  // A message is for who already waits for one rather than for who wants to be notified.
  void add_receiver(int count);

  // EBUSY: somebody else is registered, or the process itself.
  Result<void> set_notification(const MqueueNotification& notification);
  // Nothing happens when `owner` is not the one.
  void clear_notification(const ThreadGroup& owner);

  std::size_t count() const { return state_.lock()->count; }
  EventMask readiness() const;
  // As read(2) of the descriptor shows it.
  std::string describe() const;

 private:
  struct State {
    std::map<unsigned, std::deque<std::vector<std::byte>>, std::greater<>> messages;  // no empty ones
    std::size_t count = 0;
    std::size_t bytes = 0;
    int receivers = 0;
    std::optional<MqueueNotification> notification;
  };

  const MqueueLimits limits_;
  const std::shared_ptr<void> charge_;
  WaitQueue changed_;
  Guarded<State, LockLevel::kIpc> state_;
};
using PosixQueuePtr = std::shared_ptr<PosixQueue>;

}  // namespace runsc
