#include "boot/kernel/futex.h"

#include <linux/futex.h>
#include <sched.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel_test_support.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr std::uint64_t kArea = 0x7000000;
constexpr FutexAddress kLock{kArea, true}, kCondition{kArea + 64, true};

// Memory that threads of a test share.
class SharedSpace : public FakeAddressSpace {
 public:
  using FakeAddressSpace::FakeAddressSpace;
  Result<std::size_t> read(std::uint64_t address, std::span<std::byte> to) override {
    std::lock_guard lock(mutex_);
    return FakeAddressSpace::read(address, to);
  }
  Result<std::size_t> write(std::uint64_t address, std::span<const std::byte> from) override {
    std::lock_guard lock(mutex_);
    return FakeAddressSpace::write(address, from);
  }
  Result<std::uint32_t> compare_exchange(std::uint64_t address, std::uint32_t expected,
                                         std::uint32_t desired) override {
    std::lock_guard lock(mutex_);
    std::uint32_t found;
    TRY(FakeAddressSpace::read(address, std::as_writable_bytes(std::span(&found, 1))));
    if (found == expected) TRY(FakeAddressSpace::write(address, std::as_bytes(std::span(&desired, 1))));
    return found;
  }
  Result<int> futex_wake(std::uint64_t address, int) override {
    woken.push_back(address);
    return 0;
  }
  std::vector<std::uint64_t> woken;

 private:
  std::mutex mutex_;
};

class SharedPlatform : public FakePlatform {
 public:
  Result<std::unique_ptr<AddressSpace>> new_address_space(Birthplace*) override {
    auto created = std::make_unique<SharedSpace>(layout());
    space = created.get();
    return std::unique_ptr<AddressSpace>(std::move(created));
  }
  SharedSpace* space = nullptr;
};

class FutexTest : public KernelTest {
 protected:
  FutexTest() {
    memory = *MemoryManager::create(shared, 8 << 20);
    const MmapRequest area{kArea, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, nullptr,
                           0,     {}};
    EXPECT_TRUE(memory->mmap(area, {}).ok());
    leader = new_process();
    give_memory(leader);
    thread = new_thread(leader);
    give_memory(thread);
  }
  void give_memory(const TaskPtr& task) {
    task->change_resources([&](TaskResources& resources) { resources.memory = memory; });
  }
  // The calls of one task, on a thread of its own.
  std::thread as(const TaskPtr& task, const std::function<void(CurrentTask&)>& body) {
    return std::thread([=] {
      CurrentTask current(task, nullptr);
      body(current);
    });
  }
  std::uint32_t word(std::uint64_t address = kArea) {
    std::uint32_t value = 0;
    EXPECT_TRUE(memory->space().read(address, std::as_writable_bytes(std::span(&value, 1))).ok());
    return value;
  }
  template <typename T>
  void store(std::uint64_t address, T value) {
    EXPECT_TRUE(memory->space().write(address, std::as_bytes(std::span(&value, 1))).ok());
  }
  std::uint32_t tid(const TaskPtr& task) { return static_cast<std::uint32_t>(raw(task->tid())); }
  void wait_for_waiters(std::size_t count) {
    for (;;) {
      std::size_t found = 0;
      {
        auto queues = kernel.futexes.queues().lock();
        for (const auto& [key, queue] : *queues) found += queue.waiters.size();
      }
      if (found == count) return;
      ::sched_yield();
    }
  }

  SharedPlatform shared;
  std::shared_ptr<MemoryManager> memory;
  TaskPtr leader, thread;
};

TEST_F(FutexTest, FreeLockIsTakenAndLeft) {
  as(leader, [&](CurrentTask& task) {
    EXPECT_TRUE(futex_lock_pi(task, kLock, {}, false).ok());
    EXPECT_EQ(word(), tid(leader));
    EXPECT_EQ(futex_lock_pi(task, kLock, {}, false).error(), Errno(EDEADLK));
    EXPECT_TRUE(futex_unlock_pi(task, kLock).ok());
    EXPECT_EQ(word(), 0U);
    EXPECT_EQ(futex_unlock_pi(task, kLock).error(), Errno(EPERM));
  }).join();
}

TEST_F(FutexTest, UnlockHandsTheLockOn) {
  as(leader, [&](CurrentTask& task) {
    ASSERT_TRUE(futex_lock_pi(task, kLock, {}, false).ok());
    std::thread other = as(thread, [&](CurrentTask& waiting) {
      EXPECT_EQ(futex_lock_pi(waiting, kLock, {}, true).error(), Errno(EAGAIN));
      EXPECT_TRUE(futex_lock_pi(waiting, kLock, {}, false).ok());
      EXPECT_EQ(word(), tid(thread) | FUTEX_WAITERS);
      EXPECT_TRUE(futex_unlock_pi(waiting, kLock).ok());
    });
    wait_for_waiters(1);
    EXPECT_EQ(word(), tid(leader) | FUTEX_WAITERS);
    EXPECT_TRUE(futex_unlock_pi(task, kLock).ok());
    other.join();
    EXPECT_EQ(word(), 0U);
  }).join();
}

TEST_F(FutexTest, TimeOut) {
  store(kArea, tid(thread));
  as(leader, [&](CurrentTask& task) {
    EXPECT_EQ(futex_lock_pi(task, kLock, Deadline::after(1'000'000), false).error(), Errno(ETIMEDOUT));
  }).join();
  wait_for_waiters(0);
}

TEST_F(FutexTest, OwnersThatDoNotExist) {
  store(kArea, 4711U);
  as(leader, [&](CurrentTask& task) {
    EXPECT_EQ(futex_lock_pi(task, kLock, {}, false).error(), Errno(ESRCH));
    EXPECT_EQ(futex_lock_pi(task, {kArea + 2, true}, {}, false).error(), Errno(EINVAL));
    EXPECT_EQ(futex_lock_pi(task, {0x1000, true}, {}, false).error(), Errno(EFAULT));
  }).join();
}

TEST_F(FutexTest, DeadOwnersLockGoesToTheNext) {
  std::thread other;
  as(leader, [&](CurrentTask& task) {
    ASSERT_TRUE(futex_lock_pi(task, kLock, {}, false).ok());
    other = as(thread, [&](CurrentTask& waiting) {
      EXPECT_TRUE(futex_lock_pi(waiting, kLock, {}, false).ok());
      EXPECT_EQ(word(), tid(thread) | FUTEX_WAITERS | FUTEX_OWNER_DIED);
    });
    wait_for_waiters(1);
    task.exit_task(0);
    exit_robust_list(task);
  }).join();
  other.join();
  EXPECT_TRUE(leader->left_futexes.load());
}

TEST_F(FutexTest, RobustLocksAreMarked) {
  // head -> entry -> head; the futex lies 16 bytes behind an entry.
  const std::uint64_t head = kArea + 0x100, entry = kArea + 0x200, pending = kArea + 0x300;
  store<std::uint64_t>(head, entry);
  store<std::uint64_t>(head + 8, 16);
  store<std::uint64_t>(head + 16, pending);
  store<std::uint64_t>(entry, head);
  store<std::uint32_t>(entry + 16, tid(leader) | FUTEX_WAITERS);
  store<std::uint32_t>(pending + 16, 0);  // unlocked, and its waiters not yet woken
  as(leader, [&](CurrentTask& task) {
    task.robust_list = {head};
    exit_robust_list(task);
  }).join();
  EXPECT_EQ(word(entry + 16), FUTEX_WAITERS | FUTEX_OWNER_DIED);
  EXPECT_EQ(shared.space->woken, (std::vector<std::uint64_t>{entry + 16, pending + 16}));
}

TEST_F(FutexTest, RobustListThatNeverEndsIsLeft) {
  const std::uint64_t head = kArea + 0x100, entry = kArea + 0x200;
  store<std::uint64_t>(head, entry);
  store<std::uint64_t>(entry, entry);
  as(leader, [&](CurrentTask& task) {
    task.robust_list = {head};
    exit_robust_list(task);
    task.robust_list = {0x10};  // unreadable
    exit_robust_list(task);
  }).join();
}

TEST_F(FutexTest, RequeuedWaitersGetTheLockInTurn) {
  store<std::uint32_t>(kCondition.address, 5);
  const TaskPtr third = new_thread(leader);
  give_memory(third);
  const auto wait = [&](CurrentTask& waiting) {
    EXPECT_TRUE(futex_wait_requeue_pi(waiting, kCondition, 5, {}, kLock).ok());
    EXPECT_TRUE(futex_unlock_pi(waiting, kLock).ok());
  };
  std::thread first = as(thread, wait), second = as(third, wait);
  wait_for_waiters(2);
  as(leader, [&](CurrentTask& task) {
    EXPECT_EQ(futex_cmp_requeue_pi(task, kCondition, kLock, 4, 10).error(), Errno(EAGAIN));
    EXPECT_EQ(futex_cmp_requeue_pi(task, kCondition, {kArea + 128, true}, 5, 10).error(), Errno(EINVAL));
    EXPECT_EQ(*futex_cmp_requeue_pi(task, kCondition, kLock, 5, 10), 2);
    EXPECT_EQ(futex_wait_requeue_pi(task, kCondition, 4, {}, kLock).error(), Errno(EAGAIN));
  }).join();
  first.join();
  second.join();
  EXPECT_EQ(word(), 0U);
}

TEST_F(FutexTest, EndOfAThreadClearsItsWord) {
  store<std::uint32_t>(kArea, 99);
  as(leader, [&](CurrentTask& task) {
    task.clear_child_tid = {kArea};
    clear_child_tid_at_exit(task);
  }).join();
  EXPECT_EQ(word(), 0U);
  EXPECT_EQ(shared.space->woken, (std::vector<std::uint64_t>{kArea}));
}

}  // namespace
}  // namespace runsc
