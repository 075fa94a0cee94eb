#include <gtest/gtest.h>

#include "boot/ipc/ipc_namespace.h"

namespace runsc {
namespace {

Credentials user(unsigned id) {
  Credentials credentials;
  credentials.effective_uid = Uid{id};
  credentials.effective_gid = Gid{id};
  return credentials;
}

const Credentials kOwner = user(1);
const Credentials kOther = user(2);

using Outcome = Result<std::optional<SemaphoreSet::Blocked>>;

Outcome operate(Semaphores& semaphores, int id, const std::vector<sembuf>& operations,
                const Credentials& caller = kOwner) {
  return semaphores.try_operations(*semaphores.find(id).value(), {operations, caller, nullptr, 1});
}

TEST(Semaphores, AllOrNothing) {
  Semaphores semaphores;
  const int id = semaphores.get(kOwner, IPC_PRIVATE, 2, 0600).value();
  EXPECT_FALSE(operate(semaphores, id, {{0, 2, 0}})->has_value());
  const auto blocked = operate(semaphores, id, {{0, -1, 0}, {1, -1, 0}});
  EXPECT_EQ((*blocked)->number, 1);
  EXPECT_EQ(semaphores.value(id, 0, GETVAL, kOwner).value(), 2);
  EXPECT_EQ(operate(semaphores, id, {{0, -3, IPC_NOWAIT}}).error(), Errno(EAGAIN));
  EXPECT_EQ(operate(semaphores, id, {{0, 32767, 0}}).error(), Errno(ERANGE));
  EXPECT_EQ(operate(semaphores, id, {{2, 1, 0}}).error(), Errno(EFBIG));
  EXPECT_EQ(operate(semaphores, id, {{0, 1, 0}}, kOther).error(), Errno(EACCES));
}

TEST(Semaphores, UndoIsForgottenWithASetValue) {
  Semaphores semaphores;
  const int id = semaphores.get(kOwner, IPC_PRIVATE, 1, 0600).value();
  auto* const process = reinterpret_cast<ThreadGroup*>(16);
  const auto add = [&](short delta) {
    const sembuf operation{0, delta, SEM_UNDO};
    const Semaphores::Request request{{&operation, 1}, kOwner, process, 1};
    (void)semaphores.try_operations(*semaphores.find(id).value(), request);
  };
  add(5);
  semaphores.undo_all(*process);
  EXPECT_EQ(semaphores.value(id, 0, GETVAL, kOwner).value(), 0);
  add(5);
  semaphores.set_value(id, 0, 3, kOwner, 1).value();
  semaphores.undo_all(*process);
  EXPECT_EQ(semaphores.value(id, 0, GETVAL, kOwner).value(), 3);
}

TEST(Semaphores, KeysAndRemoval) {
  Semaphores semaphores;
  EXPECT_EQ(semaphores.get(kOwner, 5, 1, 0).error(), Errno(ENOENT));
  const int id = semaphores.get(kOwner, 5, 2, IPC_CREAT | 0600).value();
  EXPECT_EQ(semaphores.get(kOwner, 5, 3, 0).error(), Errno(EINVAL));
  EXPECT_EQ(semaphores.get(kOther, 5, 1, 0600).error(), Errno(EACCES));
  EXPECT_EQ(semaphores.get(kOther, 5, 1, 0).value(), id);
  const auto set = semaphores.find(id).value();
  EXPECT_EQ(semaphores.remove(id, kOther).error(), Errno(EPERM));
  semaphores.remove(id, kOwner).value();
  const sembuf operation{0, 1, 0};
  EXPECT_EQ(semaphores.try_operations(*set, {{&operation, 1}, kOwner, nullptr, 1}).error(), Errno(EIDRM));
  EXPECT_EQ(semaphores.find(id).error(), Errno(EINVAL));
}

TEST(MessageQueues, ChoosesByType) {
  MessageQueues queues;
  const auto queue = queues.find(queues.get(kOwner, IPC_PRIVATE, 0600).value()).value();
  for (const std::int64_t type : {3, 1, 2, 1}) {
    IpcMessage message{type, std::vector<std::byte>(static_cast<std::size_t>(type))};
    queues.send(*queue, message, kOwner, 1).value();
  }
  const auto receive = [&](std::int64_t type, int flags = 0) {
    return queues.receive(*queue, {type, flags, 10}, kOwner, 1).value().type;
  };
  EXPECT_EQ(receive(2, MSG_COPY), 2);
  EXPECT_EQ(receive(-2), 1);
  EXPECT_EQ(receive(3, MSG_EXCEPT), 2);
  EXPECT_EQ(receive(0), 3);
  EXPECT_EQ(queues.receive(*queue, {7, 0, 10}, kOwner, 1).error(), Errno(ENOMSG));
  EXPECT_EQ(queues.receive(*queue, {0, 0, 0}, kOwner, 1).error(), Errno(E2BIG));
  EXPECT_EQ(receive(INT64_MIN), 1);
}

}  // namespace
}  // namespace runsc
