// System V message queues.
#include <sys/msg.h>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/sysv_common.h"

namespace runsc {
namespace {

constexpr int kStatAny = 13;  // MSG_STAT_ANY

// Waits for a change of the queue as long as the attempt says `again`. Never restarted after a handler: signal(7).
template <typename Attempt>
auto retry_while(CurrentTask& task, IpcQueue& queue, Errno again, Attempt attempt) -> decltype(attempt()) {
  auto result = attempt();
  const auto waits = [&] { return !result.ok() && result.error() == again; };
  if (!waits()) return result;
  const auto waited = task.wait(queue.changed, POLLIN, std::nullopt, [&] {
    result = attempt();
    return !waits();
  });
  if (!waited.ok()) return kRestartNoHandler;
  return result;
}

Result<long> limits_and_usage(CurrentTask& task, MessageQueues& queues, int command, std::uint64_t argument) {
  const MessageQueues::Usage usage = queues.usage();
  msginfo info{};
  info.msgmax = kMsgMaxSize;
  info.msgmnb = kMsgMaxBytes;
  info.msgmni = kMsgMaxQueues;
  info.msgssz = 16;
  info.msgseg = 0xffff;
  info.msgpool = command == MSG_INFO ? usage.queues : static_cast<int>(kMsgMaxQueues * kMsgMaxBytes / 1024);
  info.msgmap = command == MSG_INFO ? usage.messages : static_cast<int>(kMsgMaxBytes);
  info.msgtql = command == MSG_INFO ? usage.bytes : static_cast<int>(kMsgMaxBytes);
  TRY(task.write(UserOut<msginfo>{{argument}}, info));
  return std::max(usage.queues - 1, 0);
}

}  // namespace

Result<long> sys_msgget(CurrentTask& task, int key, int flags) {
  return static_cast<long>(TRY(TRY(ipc_of(task))->message_queues.get(*task.credentials(), key, flags)));
}

Result<long> sys_msgsnd(CurrentTask& task, int id, UserIn<std::byte> where, std::size_t size, int flags) {
  const auto ipc = TRY(ipc_of(task));
  MessageQueues& queues = ipc->message_queues;
  IpcMessage message{TRY(task.read(UserIn<std::int64_t>{{where.value}})), {}};
  if (size > kMsgMaxSize || id < 0 || message.type < 1) return Errno(EINVAL);
  message.bytes = TRY(task.read_array(UserIn<std::byte>{{where.value + sizeof(std::int64_t)}}, size));
  const IpcQueuePtr queue = TRY(queues.find(id));
  const auto attempt = [&] { return queues.send(*queue, message, *task.credentials(), caller_pid(task)); };
  TRY((flags & IPC_NOWAIT) != 0 ? attempt() : retry_while(task, *queue, Errno(EAGAIN), attempt));
  return 0;
}

Result<long> sys_msgrcv(CurrentTask& task, int id, UserOut<std::byte> where, std::size_t size, std::int64_t type,
                        int flags) {
  const auto ipc = TRY(ipc_of(task));
  MessageQueues& queues = ipc->message_queues;
  if (static_cast<std::int64_t>(size) < 0 || id < 0) return Errno(EINVAL);
  const bool copies = (flags & MSG_COPY) != 0;
  if (copies && ((flags & MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0)) return Errno(EINVAL);
  const IpcQueuePtr queue = TRY(queues.find(id));
  const MessageQueues::Wanted wanted{type, flags, size};
  const auto attempt = [&] { return queues.receive(*queue, wanted, *task.credentials(), caller_pid(task)); };
  const IpcMessage message =
      TRY((flags & IPC_NOWAIT) != 0 ? attempt() : retry_while(task, *queue, Errno(ENOMSG), attempt));
  const auto told = std::span<const std::byte>(message.bytes).first(std::min(size, message.bytes.size()));
  TRY(task.write(UserOut<std::int64_t>{{where.value}}, message.type));
  TRY(task.write_array(UserOut<std::byte>{{where.value + sizeof(std::int64_t)}}, told));
  return static_cast<long>(told.size());
}

Result<long> sys_msgctl(CurrentTask& task, int id, int command, UserAddress argument) {
  const auto ipc = TRY(ipc_of(task));
  MessageQueues& queues = ipc->message_queues;
  const Credentials& credentials = *task.credentials();
  if (id < 0 || command < 0) return Errno(EINVAL);
  switch (command) {
    case IPC_INFO:
    case MSG_INFO:
      return limits_and_usage(task, queues, command, argument.value);
    case IPC_STAT:
    case MSG_STAT:
    case kStatAny: {
      const auto [found, abi] = TRY(queues.status(id, command != IPC_STAT, command == kStatAny, credentials));
      TRY(task.write(UserOut<msqid_ds>{{argument.value}}, abi));
      return command == IPC_STAT ? 0 : found;
    }
    case IPC_SET:
      TRY(queues.change(id, credentials, TRY(task.read(UserIn<msqid_ds>{{argument.value}}))));
      return 0;
    case IPC_RMID:
      TRY(queues.remove(id, credentials));
      return 0;
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
