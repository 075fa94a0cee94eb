#include "boot/ipc/message_queues.h"

#include <algorithm>

namespace runsc {

Result<int> MessageQueues::get(const Credentials& credentials, key_t key, int flags) {
  auto table = state_.lock();
  const auto fits = [](const IpcQueue&) -> Result<void> { return {}; };
  return get_or_make(*table, credentials, key, flags, kMsgMaxQueues, fits, []() -> Result<IpcQueuePtr> {
    auto queue = std::make_shared<IpcQueue>();
    queue->changed_at = ipc_time();
    return queue;
  });
}

Result<void> MessageQueues::send(IpcQueue& queue, IpcMessage& message, const Credentials& credentials, int pid) {
  {
    auto table = state_.lock();
    if (queue.removed) return Errno(EIDRM);
    TRY(queue.permissions.check(credentials, kIpcWrite));
    const std::size_t size = message.bytes.size();
    // The number of messages counts, too: empty ones take no bytes.
    if (queue.bytes + size > queue.limit || queue.messages.size() + 1 > queue.limit) return Errno(EAGAIN);
    queue.messages.push_back(std::move(message));
    queue.bytes += size;
    queue.sent = ipc_time();
    queue.last_sender = pid;
  }
  queue.changed.notify(POLLIN);
  return {};
}

MessageQueues::Messages::iterator MessageQueues::choose(IpcQueue& queue, const Wanted& wanted) {
  auto& messages = queue.messages;
  if ((wanted.flags & MSG_COPY) != 0) {
    const auto index = static_cast<std::size_t>(std::max<std::int64_t>(wanted.type, 0));
    return index < messages.size() ? std::next(messages.begin(), index) : messages.end();
  }
  if (wanted.type == 0) return messages.begin();
  if (wanted.type > 0) {
    const bool except = (wanted.flags & MSG_EXCEPT) != 0;
    return std::find_if(messages.begin(), messages.end(),
                        [&](const IpcMessage& message) { return (message.type == wanted.type) != except; });
  }
  const auto lowest = std::min_element(messages.begin(), messages.end(),
                                       [](const IpcMessage& a, const IpcMessage& b) { return a.type < b.type; });
  // The most negative number has no positive counterpart: every type is within it.
  const bool found = lowest != messages.end() && (wanted.type == INT64_MIN || lowest->type <= -wanted.type);
  return found ? lowest : messages.end();
}

Result<IpcMessage> MessageQueues::receive(IpcQueue& queue, const Wanted& wanted, const Credentials& credentials,
                                          int pid) {
  IpcMessage message;
  {
    auto table = state_.lock();
    if (queue.removed) return Errno(EIDRM);
    TRY(queue.permissions.check(credentials, kIpcRead));
    const auto chosen = choose(queue, wanted);
    if (chosen == queue.messages.end()) return Errno(ENOMSG);
    if (chosen->bytes.size() > wanted.room && (wanted.flags & MSG_NOERROR) == 0) return Errno(E2BIG);
    if ((wanted.flags & MSG_COPY) != 0) return *chosen;
    message = std::move(*chosen);
    queue.messages.erase(chosen);
    queue.bytes -= message.bytes.size();
    queue.received = ipc_time();
    queue.last_receiver = pid;
  }
  queue.changed.notify(POLLIN);
  return message;
}

Result<void> MessageQueues::remove(int id, const Credentials& credentials) {
  IpcQueuePtr queue;
  {
    auto table = state_.lock();
    queue = TRY(table->get(id));
    TRY(queue->permissions.check_owner(credentials));
    queue->removed = true;
    table->remove(id);
  }
  queue->changed.notify(POLLIN);
  return {};
}

Result<void> MessageQueues::change(int id, const Credentials& credentials, const msqid_ds& wanted) {
  IpcQueuePtr queue;
  {
    auto table = state_.lock();
    queue = TRY(table->get(id));
    TRY(queue->permissions.check_owner(credentials));
    if (wanted.msg_qbytes > kMsgMaxBytes) return Errno(EPERM);
    queue->permissions.set(wanted.msg_perm);
    queue->limit = wanted.msg_qbytes;
    queue->changed_at = ipc_time();
  }
  queue->changed.notify(POLLIN);
  return {};
}

Result<std::pair<int, msqid_ds>> MessageQueues::status(int id, bool index, bool any,
                                                       const Credentials& credentials) const {
  auto table = state_.lock();
  if (index) id = TRY(table->at(id)).first;
  const IpcQueuePtr queue = TRY(table->get(id));
  if (!any) TRY(queue->permissions.check(credentials, kIpcRead));
  msqid_ds abi{};
  abi.msg_perm = queue->permissions.to_abi(id);
  abi.msg_stime = queue->sent;
  abi.msg_rtime = queue->received;
  abi.msg_ctime = queue->changed_at;
  abi.__msg_cbytes = queue->bytes;
  abi.msg_qnum = queue->messages.size();
  abi.msg_qbytes = queue->limit;
  abi.msg_lspid = queue->last_sender;
  abi.msg_lrpid = queue->last_receiver;
  return std::pair(id, abi);
}

MessageQueues::Usage MessageQueues::usage() const {
  auto table = state_.lock();
  Usage usage;
  for (const auto& [id, queue] : table->all()) {
    ++usage.queues;
    usage.messages += static_cast<int>(queue->messages.size());
    usage.bytes += static_cast<int>(queue->bytes);
  }
  return usage;
}

}  // namespace runsc
