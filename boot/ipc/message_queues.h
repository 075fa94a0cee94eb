// System V message queues (msgop(2)).
#pragma once

#include <sys/msg.h>

#include <list>
#include <vector>

#include "boot/base/lock.h"
#include "boot/ipc/ipc_object.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

// Limits as Linux has them (/proc/sys/kernel/msg*).
inline constexpr std::size_t kMsgMaxSize = 8192;
inline constexpr std::size_t kMsgMaxBytes = 16384;  // of one queue; nobody may set more: the memory is the sandbox's
inline constexpr std::size_t kMsgMaxQueues = 32000;

struct IpcMessage {
  std::int64_t type = 0;
  std::vector<std::byte> bytes;
};

// One queue. Guarded by the lock of its table but for `changed`.
struct IpcQueue {
  IpcPermissions permissions;
  std::list<IpcMessage> messages;
  std::size_t bytes = 0, limit = kMsgMaxBytes;
  std::int64_t sent = 0, received = 0, changed_at = 0;  // times
  int last_sender = 0, last_receiver = 0;               // pids as their own namespaces number them
  bool removed = false;
  WaitQueue changed;
};
using IpcQueuePtr = std::shared_ptr<IpcQueue>;

// Thread-safe.
class MessageQueues {
 public:
  Result<int> get(const Credentials& credentials, key_t key, int flags);  // msgget(2)
  Result<IpcQueuePtr> find(int id) const { return state_.lock()->get(id); }

  // The message is taken only on success. EAGAIN: full; EACCES; EIDRM: the queue was removed.
  Result<void> send(IpcQueue& queue, IpcMessage& message, const Credentials& credentials, int pid);
  struct Wanted {
    std::int64_t type = 0;  // as msgrcv(2) has it
    int flags = 0;          // MSG_EXCEPT, MSG_NOERROR, MSG_COPY
    std::size_t room = 0;
  };
  // ENOMSG: none of this type; E2BIG, EACCES; EIDRM.
  Result<IpcMessage> receive(IpcQueue& queue, const Wanted& wanted, const Credentials& credentials, int pid);

  // msgctl(2), by command. `index`: the id is a position (MSG_STAT).
  Result<void> remove(int id, const Credentials& credentials);
  Result<void> change(int id, const Credentials& credentials, const msqid_ds& wanted);
  Result<std::pair<int, msqid_ds>> status(int id, bool index, bool any, const Credentials& credentials) const;
  struct Usage {
    int queues = 0, messages = 0, bytes = 0;
  };
  Usage usage() const;

 private:
  using Messages = std::list<IpcMessage>;
  static Messages::iterator choose(IpcQueue& queue, const Wanted& wanted);

  Guarded<IpcTable<IpcQueue>, LockLevel::kIpc> state_;
};

}  // namespace runsc
