// System V shared memory, semaphores and message queues.
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

// A key nobody else uses at the same time.
key_t FreshKey() {
  static int count = 0;
  return static_cast<key_t>(0x40000000 | (getpid() & 0xffff) << 8 | (++count & 0xff));
}

union SemArgument {
  int val;
  semid_ds* buf;
  unsigned short* array;
};

class Shm {
 public:
  explicit Shm(size_t size, key_t key = IPC_PRIVATE, int flags = IPC_CREAT | 0600) : id_(shmget(key, size, flags)) {
    EXPECT_OK(id_);
  }
  ~Shm() { shmctl(id_, IPC_RMID, nullptr); }
  int id() const { return id_; }
  char* Attach(int flags = 0) {
    void* p = shmat(id_, nullptr, flags);
    EXPECT_OK(p);
    return static_cast<char*>(p);
  }
  shmid_ds Stat() {
    shmid_ds ds = {};
    EXPECT_OK(shmctl(id_, IPC_STAT, &ds));
    return ds;
  }

 private:
  int id_;
};

TEST(SharedMemorySegment, IsZeroAndSharedByFork) {
  Shm shm(8192);
  char* p = shm.Attach();
  EXPECT_EQ(0, p[5000]);
  InChild([&] { p[5000] = 42; });
  EXPECT_EQ(42, p[5000]);
  EXPECT_OK(shmdt(p));
}

TEST(SharedMemorySegment, TwoAttachmentsAreCoherent) {
  Shm shm(4096);
  char *a = shm.Attach(), *b = shm.Attach();
  EXPECT_NE(a, b);
  a[1] = 7;
  EXPECT_EQ(7, b[1]);
  EXPECT_EQ(2u, shm.Stat().shm_nattch);
  shmdt(a);
  shmdt(b);
  EXPECT_EQ(0u, shm.Stat().shm_nattch);
  EXPECT_ERRNO(shmdt(a), EINVAL);
}

TEST(SharedMemorySegment, ForkCountsAsAttachmentExitDetaches) {
  Shm shm(4096);
  char* p = shm.Attach();
  Event check, done;
  Child child([&] {
    check.Set();
    done.Wait();
  });
  check.Wait();
  EXPECT_EQ(2u, shm.Stat().shm_nattch);
  done.Set();
  child.ExpectSuccess();
  EXPECT_EQ(1u, shm.Stat().shm_nattch);
  shmdt(p);
}

TEST(SharedMemorySegment, ReadOnlyAttachmentCannotBeWritten) {
  Shm shm(4096);
  char* p = shm.Attach(SHM_RDONLY);
  EXPECT_EQ(SIGSEGV, WTERMSIG(StatusOf([&] { *static_cast<volatile char*>(p) = 1; })));
  shmdt(p);
}

TEST(SharedMemorySegment, KeysFindTheSegment) {
  key_t key = FreshKey();
  EXPECT_ERRNO(shmget(key, 4096, 0), ENOENT);
  Shm shm(4096, key);
  EXPECT_EQ(shm.id(), shmget(key, 4096, 0));
  EXPECT_EQ(shm.id(), shmget(key, 0, 0));
  EXPECT_ERRNO(shmget(key, 8192, 0), EINVAL) << "larger than it is";
  EXPECT_ERRNO(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  EXPECT_ERRNO(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
}

TEST(SharedMemorySegment, RemovedSegmentLivesWhileAttached) {
  int id = shmget(IPC_PRIVATE, 4096, 0600);
  char* p = static_cast<char*>(shmat(id, nullptr, 0));
  ASSERT_OK(shmctl(id, IPC_RMID, nullptr));
  p[0] = 1;
  shmid_ds ds;
  EXPECT_OK(shmctl(id, IPC_STAT, &ds));
  EXPECT_TRUE(ds.shm_perm.mode & 01000);
  shmdt(p);
  EXPECT_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
  EXPECT_ERRNO(shmat(id, nullptr, 0), EINVAL);
}

TEST(SharedMemorySegment, StatDescribesIt) {
  Shm shm(5000);
  char* p = shm.Attach();
  shmid_ds ds = shm.Stat();
  EXPECT_EQ(5000u, ds.shm_segsz);
  EXPECT_EQ(getpid(), ds.shm_cpid);
  EXPECT_EQ(getpid(), ds.shm_lpid);
  EXPECT_EQ(geteuid(), ds.shm_perm.uid);
  EXPECT_EQ(0600, ds.shm_perm.mode & 0777);
  EXPECT_GT(ds.shm_atime, 0);
  shmdt(p);
}

TEST(SharedMemorySegment, FixedAddressRounding) {
  Shm shm(4096);
  char* area = static_cast<char*>(mmap(nullptr, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT_ERRNO(shmat(shm.id(), area + 5, 0), EINVAL);
  EXPECT_ERRNO(shmat(shm.id(), area, 0), EINVAL) << "occupied";
  EXPECT_EQ(area, shmat(shm.id(), area + 5, SHM_RND | SHM_REMAP));
  shmdt(area);
  munmap(area, 3 * 4096);
}

TEST(SharedMemorySegment, PermissionsApply) {
  REQUIRE_ROOT();
  Shm shm(4096);
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(shmat(shm.id(), nullptr, 0), EACCES);
    EXPECT_ERRNO(shmctl(shm.id(), IPC_RMID, nullptr), EPERM);
    shmid_ds ds;
    EXPECT_ERRNO(shmctl(shm.id(), IPC_STAT, &ds), EACCES);
  });
}

class Sem {
 public:
  explicit Sem(int count, key_t key = IPC_PRIVATE) : id_(semget(key, count, IPC_CREAT | 0600)) { EXPECT_OK(id_); }
  ~Sem() { semctl(id_, 0, IPC_RMID); }
  int id() const { return id_; }
  int Value(int n = 0) { return semctl(id_, n, GETVAL); }
  void SetValue(int value, int n = 0) {
    SemArgument argument = {value};
    EXPECT_OK(semctl(id_, n, SETVAL, argument));
  }
  long Op(short delta, short flags = IPC_NOWAIT, unsigned short n = 0) {
    sembuf op = {n, delta, flags};
    return semop(id_, &op, 1);
  }

 private:
  int id_;
};

TEST(Semaphores, CountUpAndDown) {
  Sem sem(1);
  EXPECT_EQ(0, sem.Value());
  EXPECT_OK(sem.Op(3));
  EXPECT_EQ(3, sem.Value());
  EXPECT_OK(sem.Op(-2));
  EXPECT_ERRNO(sem.Op(-2), EAGAIN);
  EXPECT_ERRNO(sem.Op(0), EAGAIN) << "waits for zero";
  EXPECT_OK(sem.Op(-1));
  EXPECT_OK(sem.Op(0));
}

TEST(Semaphores, OperationsOnSeveralAreAtomic) {
  Sem sem(2);
  sem.SetValue(1, 0);
  sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
  EXPECT_ERRNO(semop(sem.id(), both, 2), EAGAIN);
  EXPECT_EQ(1, sem.Value(0)) << "nothing was taken";
  sem.SetValue(1, 1);
  EXPECT_OK(semop(sem.id(), both, 2));
  EXPECT_EQ(0, sem.Value(0));
}

TEST(Semaphores, WaiterWakesOnIncrement) {
  Sem sem(1);
  Child child([&] { EXPECT_OK(sem.Op(-1, 0)); });
  while (semctl(sem.id(), 0, GETNCNT) == 0) usleep(1000);
  EXPECT_OK(sem.Op(1));
  child.ExpectSuccess();
  EXPECT_EQ(child.pid() == -1 ? 0 : 0, sem.Value());
}

TEST(Semaphores, WaiterForZeroWakes) {
  Sem sem(1);
  sem.SetValue(1);
  Child child([&] { EXPECT_OK(sem.Op(0, 0)); });
  while (semctl(sem.id(), 0, GETZCNT) == 0) usleep(1000);
  EXPECT_OK(sem.Op(-1));
  child.ExpectSuccess();
}

TEST(Semaphores, RemovalWakesWithEidrm) {
  int id = semget(IPC_PRIVATE, 1, 0600);
  Child child([&] {
    sembuf op = {0, -1, 0};
    EXPECT_ERRNO(semop(id, &op, 1), EIDRM);
  });
  while (semctl(id, 0, GETNCNT) == 0) usleep(1000);
  EXPECT_OK(semctl(id, 0, IPC_RMID));
  child.ExpectSuccess();
  sembuf op = {0, 1, 0};
  EXPECT_ERRNO(semop(id, &op, 1), EINVAL);
}

TEST(Semaphores, SignalInterruptsEvenWithRestart) {
  Sem sem(1);
  ScopedHandler handler(SIGUSR1, IgnoreSignal, SA_RESTART);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(sem.Op(-1, 0), EINTR);
}

TEST(Semaphores, TimedWait) {
  Sem sem(1);
  sembuf op = {0, -1, 0};
  timespec t = {0, 2000000};
  EXPECT_ERRNO(semtimedop(sem.id(), &op, 1, &t), EAGAIN);
  t = {0, -1};
  EXPECT_ERRNO(semtimedop(sem.id(), &op, 1, &t), EINVAL);
}

TEST(Semaphores, UndoAtExit) {
  Sem sem(1);
  sem.SetValue(5);
  InChild([&] {
    EXPECT_OK(sem.Op(-2, SEM_UNDO));
    EXPECT_EQ(3, sem.Value());
  });
  EXPECT_EQ(5, sem.Value());
}

TEST(Semaphores, SetallGetallAndPid) {
  Sem sem(3);
  unsigned short values[3] = {1, 2, 3}, got[3] = {};
  SemArgument argument;
  argument.array = values;
  EXPECT_OK(semctl(sem.id(), 0, SETALL, argument));
  argument.array = got;
  EXPECT_OK(semctl(sem.id(), 0, GETALL, argument));
  EXPECT_EQ(3, got[2]);
  EXPECT_OK(sem.Op(1));
  EXPECT_EQ(getpid(), semctl(sem.id(), 0, GETPID));
  semid_ds ds = {};
  argument.buf = &ds;
  EXPECT_OK(semctl(sem.id(), 0, IPC_STAT, argument));
  EXPECT_EQ(3u, ds.sem_nsems);
}

TEST(Semaphores, Errors) {
  Sem sem(1);
  EXPECT_ERRNO(sem.Op(1, 0, 7), EFBIG);
  SemArgument argument = {-1};
  EXPECT_ERRNO(semctl(sem.id(), 0, SETVAL, argument), ERANGE);
  argument.val = 40000;
  EXPECT_ERRNO(semctl(sem.id(), 0, SETVAL, argument), ERANGE);
  EXPECT_ERRNO(semctl(sem.id(), 9, GETVAL), EINVAL);
  sem.SetValue(32767);
  EXPECT_ERRNO(sem.Op(1), ERANGE);
  EXPECT_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
  EXPECT_ERRNO(semget(FreshKey(), 1, 0), ENOENT);
  EXPECT_ERRNO(semop(sem.id(), nullptr, 0), EINVAL);
}

struct Message {
  long type;
  char text[64];
};

class Queue {
 public:
  Queue() : id_(msgget(IPC_PRIVATE, 0600)) { EXPECT_OK(id_); }
  ~Queue() { msgctl(id_, IPC_RMID, nullptr); }
  int id() const { return id_; }
  long Send(long type, const std::string& text, int flags = 0) {
    Message m = {type, {}};
    memcpy(m.text, text.data(), text.size());
    return msgsnd(id_, &m, text.size(), flags);
  }
  std::string Receive(long type = 0, int flags = IPC_NOWAIT, size_t size = 64) {
    Message m = {};
    ssize_t n = msgrcv(id_, &m, size, type, flags);
    return n < 0 ? "error " + ErrnoText(errno) : std::string(m.text, static_cast<size_t>(n));
  }

 private:
  int id_;
};

TEST(Messages, ComeInOrderAndByType) {
  Queue queue;
  ASSERT_OK(queue.Send(1, "a"));
  ASSERT_OK(queue.Send(2, "b"));
  ASSERT_OK(queue.Send(1, "c"));
  ASSERT_OK(queue.Send(3, "d"));
  EXPECT_EQ("b", queue.Receive(2));
  EXPECT_EQ("a", queue.Receive(0));
  EXPECT_EQ("d", queue.Receive(1, IPC_NOWAIT | MSG_EXCEPT));
  EXPECT_EQ("c", queue.Receive(-5)) << "the lowest type up to 5";
  EXPECT_EQ("error ENOMSG", queue.Receive());
}

TEST(Messages, SizeLimits) {
  Queue queue;
  ASSERT_OK(queue.Send(1, "abcdef"));
  EXPECT_EQ("error E2BIG", queue.Receive(0, IPC_NOWAIT, 3));
  EXPECT_EQ("abc", queue.Receive(0, IPC_NOWAIT | MSG_NOERROR, 3));
  EXPECT_EQ("error ENOMSG", queue.Receive());
  std::vector<char> big(70000);
  *reinterpret_cast<long*>(big.data()) = 1;
  EXPECT_ERRNO(msgsnd(queue.id(), big.data(), 66000, IPC_NOWAIT), EINVAL);
  EXPECT_ERRNO(queue.Send(0, "x"), EINVAL);
  EXPECT_ERRNO(queue.Send(-1, "x"), EINVAL);
}

TEST(Messages, FullQueueIsEagainAndBlocks) {
  Queue queue;
  std::vector<char> big(8000);
  *reinterpret_cast<long*>(big.data()) = 1;
  while (msgsnd(queue.id(), big.data(), 7000, IPC_NOWAIT) == 0) {
  }
  EXPECT_EQ(EAGAIN, errno);
  Child child([&] { EXPECT_OK(msgsnd(queue.id(), big.data(), 7000, 0)); });
  EXPECT_EQ(7000, msgrcv(queue.id(), big.data(), 7000, 0, 0));
  child.ExpectSuccess();
}

TEST(Messages, ReceiverWakes) {
  Queue queue;
  Child child([&] { EXPECT_EQ("hello", queue.Receive(7, 0)); });
  usleep(5000);
  ASSERT_OK(queue.Send(6, "other"));
  ASSERT_OK(queue.Send(7, "hello"));
  child.ExpectSuccess();
}

TEST(Messages, RemovalWakesWithEidrm) {
  int id = msgget(IPC_PRIVATE, 0600);
  Child child([&] {
    Message m;
    EXPECT_ERRNO(msgrcv(id, &m, 64, 0, 0), EIDRM);
  });
  // Blocked or not yet: either way its queue is gone.
  std::string stat;
  do {
    usleep(1000);
    stat = ReadFile("/proc/" + std::to_string(child.pid()) + "/stat");
  } while (stat.find(") S ") == std::string::npos);
  EXPECT_OK(msgctl(id, IPC_RMID, nullptr));
  child.ExpectSuccess();
  EXPECT_ERRNO(msgsnd(id, "12345678x", 1, 0), EINVAL);
}

TEST(Messages, StatCounts) {
  Queue queue;
  ASSERT_OK(queue.Send(1, "abc"));
  ASSERT_OK(queue.Send(1, "de"));
  msqid_ds ds = {};
  ASSERT_OK(msgctl(queue.id(), IPC_STAT, &ds));
  EXPECT_EQ(2u, ds.msg_qnum);
  EXPECT_EQ(5u, ds.__msg_cbytes);
  EXPECT_EQ(getpid(), ds.msg_lspid);
}

TEST(Messages, KeysAndPermissions) {
  EXPECT_ERRNO(msgget(FreshKey(), 0), ENOENT);
  key_t key = FreshKey();
  int id = msgget(key, IPC_CREAT | 0600);
  EXPECT_EQ(id, msgget(key, 0));
  EXPECT_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  msgctl(id, IPC_RMID, nullptr);
}

}  // namespace
}  // namespace guest
