// futex: wait and wake, bit sets, requeueing, priority inheritance, robust lists, timeouts.
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

using Word = std::atomic<int>;

long Futex(Word* word, int op, int value, const timespec* timeout = nullptr, Word* word2 = nullptr, int value3 = 0) {
  return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

long FutexCount(Word* word, int op, int value, long count2, Word* word2, int value3 = 0) {
  return syscall(SYS_futex, word, op, value, count2, word2, value3);
}

pid_t Gettid() { return static_cast<pid_t>(syscall(SYS_gettid)); }

timespec In(clockid_t clock, long milliseconds) {
  timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += milliseconds * 1000000;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

// Wakes until `count` waiters in all have been woken.
void WakeExactly(Word* word, int count, int op = FUTEX_WAKE_PRIVATE) {
  int woken = 0;
  while (woken < count) {
    long n = Futex(word, op, count - woken);
    ASSERT_OK(n);
    woken += static_cast<int>(n);
    if (n == 0) usleep(500);
  }
}

class SharedWord {
 public:
  SharedWord()
      : word_(static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedWord() { munmap(word_, 4096); }
  Word* get() { return word_; }

 private:
  Word* word_;
};

TEST(FutexWait, OtherValueIsEagain) {
  Word word{1};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0), EAGAIN);
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT_PRIVATE, 2), EAGAIN);
}

TEST(FutexWait, TimesOut) {
  Word word{0};
  timespec t = {0, 2000000};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0, &t), ETIMEDOUT);
  t = {0, 0};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0, &t), ETIMEDOUT);
}

TEST(FutexWait, RefusesABadTimeout) {
  Word word{0};
  timespec t = {0, 1000000000};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0, &t), EINVAL);
  t = {-1, 0};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0, &t), EINVAL);
}

TEST(FutexWait, RefusesAnUnalignedWord) {
  alignas(8) char memory[16] = {};
  EXPECT_ERRNO(syscall(SYS_futex, memory + 1, FUTEX_WAIT, 0, nullptr), EINVAL);
  EXPECT_ERRNO(syscall(SYS_futex, memory + 2, FUTEX_WAKE, 1), EINVAL);
}

TEST(FutexWait, UnmappedWordIsEfault) {
  EXPECT_ERRNO(syscall(SYS_futex, 0x1000, FUTEX_WAIT, 0, nullptr), EFAULT);
  EXPECT_ERRNO(syscall(SYS_futex, nullptr, FUTEX_WAIT_PRIVATE, 0, nullptr), EFAULT);
}

TEST(FutexWait, BadTimeoutPointerIsEfault) {
  Word word{0};
  EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 0, 8), EFAULT);
}

TEST(FutexWake, WithoutWaitersWakesNone) {
  Word word{0};
  EXPECT_EQ(0, Futex(&word, FUTEX_WAKE, 1));
  EXPECT_EQ(0, Futex(&word, FUTEX_WAKE_PRIVATE, INT32_MAX));
}

TEST(FutexWake, OnAnUnmappedPrivateWordWakesNone) {
  // A private futex is only an address; waking does not touch it.
  EXPECT_EQ(0, syscall(SYS_futex, 0x1000, FUTEX_WAKE_PRIVATE, 1));
}

TEST(FutexWake, OnAnUnmappedSharedWordIsEfault) { EXPECT_ERRNO(syscall(SYS_futex, 0x1000, FUTEX_WAKE, 1), EFAULT); }

TEST(FutexWake, WakesAWaiter) {
  Word word{0};
  long result = -1;
  std::thread waiter([&] { result = Futex(&word, FUTEX_WAIT_PRIVATE, 0); });
  WakeExactly(&word, 1);
  waiter.join();
  EXPECT_EQ(0, result);
}

TEST(FutexWake, WakesAtMostTheCount) {
  Word word{0};
  std::atomic<int> awake{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] {
      Futex(&word, FUTEX_WAIT_PRIVATE, 0);
      ++awake;
    });
  }
  WakeExactly(&word, 2);
  while (awake < 2) usleep(1000);
  usleep(10000);
  EXPECT_EQ(2, awake);
  WakeExactly(&word, 2);
  for (std::thread& t : waiters) t.join();
}

TEST(FutexWake, ReachesAnotherProcessThroughSharedMemory) {
  SharedWord word;
  Child child([&] { EXPECT_EQ(0, Futex(word.get(), FUTEX_WAIT, 0)); });
  WakeExactly(word.get(), 1, FUTEX_WAKE);
  child.ExpectSuccess();
}

TEST(FutexWake, ReachesAnotherMappingOfTheSameFile) {
  Fd memfd(memfd_create("futex", MFD_CLOEXEC));
  ASSERT_OK(ftruncate(memfd.get(), 4096));
  auto map = [&] {
    return static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd.get(), 0));
  };
  Word *one = map(), *two = map();
  ASSERT_NE(one, two);
  std::thread waiter([&] { Futex(one, FUTEX_WAIT, 0); });
  WakeExactly(two, 1, FUTEX_WAKE);
  waiter.join();
  munmap(one, 4096);
  munmap(two, 4096);
}

TEST(FutexWake, PrivateMemoryIsNotSharedWithAForkedChild) {
  Word word{0};
  Event go;
  Child child([&] {
    timespec t = {0, 20000000};
    EXPECT_ERRNO(Futex(&word, FUTEX_WAIT, 0, &t), ETIMEDOUT);
  });
  int woken = 0, status;
  while (waitpid(child.pid(), &status, WNOHANG) == 0) woken += static_cast<int>(Futex(&word, FUTEX_WAKE, 1));
  child.Forget();
  EXPECT_EQ(0, woken);
  EXPECT_EQ(0, status);
}

TEST(FutexBitset, ZeroMaskIsRefused) {
  Word word{0};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT_BITSET, 0, nullptr, nullptr, 0), EINVAL);
  EXPECT_ERRNO(Futex(&word, FUTEX_WAKE_BITSET, 1, nullptr, nullptr, 0), EINVAL);
}

TEST(FutexBitset, OnlyMatchingWaitersWake) {
  Word word{0};
  std::atomic<bool> one{false}, two{false};
  std::thread first([&] {
    Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 1);
    one = true;
  });
  std::thread second([&] {
    Futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 2);
    two = true;
  });
  while (Futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, nullptr, nullptr, 2) == 0) usleep(500);
  second.join();
  EXPECT_FALSE(one);
  while (Futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, nullptr, nullptr, 5) == 0) usleep(500);
  first.join();
}

TEST(FutexBitset, TimeoutIsAbsolute) {
  Word word{0};
  timespec past = {1, 0};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT_BITSET, 0, &past, nullptr, -1), ETIMEDOUT);
  timespec soon = In(CLOCK_MONOTONIC, 3);
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT_BITSET, 0, &soon, nullptr, -1), ETIMEDOUT);
  timespec now = In(CLOCK_MONOTONIC, 0);
  EXPECT_TRUE(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
}

TEST(FutexBitset, RealtimeClock) {
  Word word{0};
  timespec soon = In(CLOCK_REALTIME, 3);
  EXPECT_ERRNO(Futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &soon, nullptr, -1), ETIMEDOUT);
}

TEST(FutexOps, RealtimeFlagIsRefusedForWake) {
  Word word{0};
  EXPECT_ERRNO(Futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1), ENOSYS);
}

TEST(FutexOps, UnknownOperationIsEnosys) {
  Word word{0};
  EXPECT_ERRNO(Futex(&word, 77, 0), ENOSYS);
}

TEST(FutexRequeue, MovesWaitersToTheSecondWord) {
  Word from{0}, to{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&] { Futex(&from, FUTEX_WAIT_PRIVATE, 0); });
  }
  long moved = 0;
  while (moved < 3) {
    long n = FutexCount(&from, FUTEX_CMP_REQUEUE_PRIVATE, 0, 3, &to, 0);
    ASSERT_OK(n);
    moved += n;
    usleep(500);
  }
  EXPECT_EQ(0, Futex(&from, FUTEX_WAKE_PRIVATE, 1));
  EXPECT_EQ(3, Futex(&to, FUTEX_WAKE_PRIVATE, INT32_MAX));
  for (std::thread& t : waiters) t.join();
}

TEST(FutexRequeue, OtherValueIsEagain) {
  Word from{1}, to{0};
  EXPECT_ERRNO(FutexCount(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &to, 0), EAGAIN);
}

TEST(FutexRequeue, NegativeCountsAreRefused) {
  Word from{0}, to{0};
  EXPECT_ERRNO(FutexCount(&from, FUTEX_CMP_REQUEUE_PRIVATE, -1, 1, &to, 0), EINVAL);
  EXPECT_ERRNO(FutexCount(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, -1, &to, 0), EINVAL);
}

TEST(FutexWakeOp, ChangesTheSecondWordAndWakesBoth) {
  Word one{0}, two{5};
  long woken = FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5));
  EXPECT_EQ(0, woken);
  EXPECT_EQ(8, two);
  FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_NE, 0));
  EXPECT_EQ(1, two);
  FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_OR, 6, FUTEX_OP_CMP_NE, 0));
  EXPECT_EQ(7, two);
  FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_ANDN, 2, FUTEX_OP_CMP_NE, 0));
  EXPECT_EQ(5, two);
  FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_NE, 0));
  EXPECT_EQ(4, two);
}

TEST(FutexWakeOp, WakesTheSecondOnlyWhenTheOldValueCompares) {
  Word one{0}, two{5};
  std::thread waiter([&] {
    while (two == 5) Futex(&two, FUTEX_WAIT_PRIVATE, 5);
  });
  usleep(5000);
  EXPECT_EQ(0, FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 6)));
  FutexCount(&one, FUTEX_WAKE_OP_PRIVATE, 1, 1, &two, FUTEX_OP(FUTEX_OP_SET, 6, FUTEX_OP_CMP_EQ, 5));
  waiter.join();
}

TEST(FutexPi, LocksAFreeWordWithOurTid) {
  Word word{0};
  EXPECT_OK(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0));
  EXPECT_EQ(Gettid(), word & FUTEX_TID_MASK);
  EXPECT_OK(Futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0));
  EXPECT_EQ(0, word);
}

TEST(FutexPi, LockingTwiceIsEdeadlk) {
  Word word{Gettid()};
  EXPECT_ERRNO(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0), EDEADLK);
}

TEST(FutexPi, UnlockByAnotherIsEperm) {
  Word word{Gettid()};
  std::thread([&] { EXPECT_ERRNO(Futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0), EPERM); }).join();
}

TEST(FutexPi, UnknownOwnerIsEsrch) {
  Word word{0x3fffff0};
  EXPECT_ERRNO(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0), ESRCH);
}

TEST(FutexPi, TrylockOnALockedWordIsEagain) {
  Word word{Gettid()};
  std::thread([&] { EXPECT_ERRNO(Futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0), EAGAIN); }).join();
}

TEST(FutexPi, WaiterGetsTheLockOnUnlock) {
  Word word{0};
  ASSERT_OK(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0));
  pid_t tid = 0;
  int owner = 0;
  std::thread waiter([&] {
    tid = Gettid();
    EXPECT_OK(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0));
    owner = word & FUTEX_TID_MASK;
    Futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0);
  });
  while ((word & static_cast<int>(FUTEX_WAITERS)) == 0) usleep(500);
  EXPECT_OK(Futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0));
  waiter.join();
  EXPECT_EQ(tid, owner);
}

TEST(FutexPi, AbsoluteRealtimeTimeout) {
  Word word{Gettid()};
  std::thread([&] {
    timespec soon = In(CLOCK_REALTIME, 3);
    EXPECT_ERRNO(Futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &soon), ETIMEDOUT);
  }).join();
}

TEST(FutexPi, PthreadMutexWithInheritance) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_t mutex;
  ASSERT_EQ(0, pthread_mutex_init(&mutex, &attributes));
  long counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        pthread_mutex_lock(&mutex);
        ++counter;
        pthread_mutex_unlock(&mutex);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(2000, counter);
  pthread_mutex_destroy(&mutex);
}

pthread_mutex_t* RobustMutex(void* memory) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  auto* mutex = static_cast<pthread_mutex_t*>(memory);
  EXPECT_EQ(0, pthread_mutex_init(mutex, &attributes));
  return mutex;
}

TEST(FutexRobust, DeadThreadLeavesOwnerDied) {
  SharedWord memory;
  pthread_mutex_t* mutex = RobustMutex(memory.get());
  std::thread([&] { pthread_mutex_lock(mutex); }).join();
  EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(mutex));
  EXPECT_EQ(0, pthread_mutex_consistent(mutex));
  EXPECT_EQ(0, pthread_mutex_unlock(mutex));
  EXPECT_EQ(0, pthread_mutex_lock(mutex));
  pthread_mutex_unlock(mutex);
}

TEST(FutexRobust, KilledProcessLeavesOwnerDiedAndWakes) {
  SharedWord memory;
  pthread_mutex_t* mutex = RobustMutex(memory.get());
  Event locked;
  Child child([&] {
    pthread_mutex_lock(mutex);
    locked.Set();
    pause();
  });
  locked.Wait();
  std::thread killer([&] {
    usleep(10000);
    kill(child.pid(), SIGKILL);
  });
  EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(mutex));
  killer.join();
}

TEST(FutexRobust, ListIsPerThreadAndReadable) {
  robust_list_head* head = nullptr;
  size_t size = 0;
  EXPECT_OK(syscall(SYS_get_robust_list, 0, &head, &size));
  EXPECT_EQ(sizeof(robust_list_head), size);
  EXPECT_NE(nullptr, head);
  EXPECT_ERRNO(syscall(SYS_set_robust_list, head, 1), EINVAL);
  EXPECT_ERRNO(syscall(SYS_get_robust_list, 0x3ffffff, &head, &size), ESRCH);
}

TEST(FutexWaitv, WaitsOnSeveralWords) {
  Word one{0}, two{0};
  futex_waitv list[2] = {};
  list[0] = {0, reinterpret_cast<uintptr_t>(&one), FUTEX_32 | FUTEX_PRIVATE_FLAG, 0};
  list[1] = {0, reinterpret_cast<uintptr_t>(&two), FUTEX_32 | FUTEX_PRIVATE_FLAG, 0};
  long result = -1;
  std::thread waiter([&] { result = syscall(SYS_futex_waitv, list, 2, 0, nullptr, 0); });
  WakeExactly(&two, 1);
  waiter.join();
  EXPECT_EQ(1, result);
  two = 1;
  EXPECT_ERRNO(syscall(SYS_futex_waitv, list, 2, 0, nullptr, 0), EAGAIN);
  EXPECT_ERRNO(syscall(SYS_futex_waitv, list, 0, 0, nullptr, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_futex_waitv, list, 129, 0, nullptr, 0), EINVAL);
}

TEST(FutexWaitv, TimesOutAndIsInterrupted) {
  Word word{0};
  futex_waitv one = {0, reinterpret_cast<uintptr_t>(&word), FUTEX_32 | FUTEX_PRIVATE_FLAG, 0};
  timespec soon = In(CLOCK_MONOTONIC, 3);
  EXPECT_ERRNO(syscall(SYS_futex_waitv, &one, 1, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
  {
    ScopedHandler handler(SIGUSR1, IgnoreSignal, 0);
    Pester pester(SIGUSR1);
    EXPECT_ERRNO(syscall(SYS_futex_waitv, &one, 1, 0, nullptr, 0), EINTR);
  }
  ScopedHandler handler(SIGUSR1, IgnoreSignal, SA_RESTART);
  Pester pester(SIGUSR1);
  std::thread waker([&] {
    usleep(20'000);
    WakeExactly(&word, 1);
  });
  EXPECT_EQ(0, syscall(SYS_futex_waitv, &one, 1, 0, nullptr, 0)) << "restarted until then";
  waker.join();
}

TEST(FutexWaitv, ArgumentsAreChecked) {
  Word word{0};
  futex_waitv one = {0, reinterpret_cast<uintptr_t>(&word), FUTEX_32 | FUTEX_PRIVATE_FLAG, 0};
  EXPECT_ERRNO(syscall(SYS_futex_waitv, &one, 1, 1, nullptr, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_futex_waitv, nullptr, 1, 0, nullptr, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_futex_waitv, 8, 1, 0, nullptr, 0), EFAULT);
  futex_waitv reserved = one;
  reserved.__reserved = 1;
  EXPECT_ERRNO(syscall(SYS_futex_waitv, &reserved, 1, 0, nullptr, 0), EINVAL);
  futex_waitv elsewhere = one;
  elsewhere.uaddr = 8;
  EXPECT_ERRNO(syscall(SYS_futex_waitv, &elsewhere, 1, 0, nullptr, 0), EFAULT);
}

TEST(Pthread, ConditionVariableWithTimeout) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  timespec soon = In(CLOCK_REALTIME, 3);
  EXPECT_EQ(ETIMEDOUT, pthread_cond_timedwait(&condition, &mutex, &soon));
  pthread_mutex_unlock(&mutex);
}

TEST(Pthread, BarrierAcrossProcesses) {
  SharedWord memory;
  auto* barrier = reinterpret_cast<pthread_barrier_t*>(memory.get());
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ASSERT_EQ(0, pthread_barrier_init(barrier, &attributes, 3));
  Child a([&] { pthread_barrier_wait(barrier); }), b([&] { pthread_barrier_wait(barrier); });
  pthread_barrier_wait(barrier);
  a.ExpectSuccess();
  b.ExpectSuccess();
}

TEST(Pthread, CancellationOfABlockedThread) {
  pthread_t thread;
  ASSERT_EQ(0, pthread_create(
                   &thread, nullptr,
                   [](void*) -> void* {
                     for (;;) pause();
                   },
                   nullptr));
  EXPECT_EQ(0, pthread_cancel(thread));
  void* result = nullptr;
  EXPECT_EQ(0, pthread_join(thread, &result));
  EXPECT_EQ(PTHREAD_CANCELED, result);
}

}  // namespace
}  // namespace guest
