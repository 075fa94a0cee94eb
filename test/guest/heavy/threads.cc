// Many threads that contend on mutexes and condition variables: --threads=200 --rounds=200
//
// Half of them pass tokens through bounded queues (mutex and two condition variables each), all of them increment
// counters under contended mutexes, and everybody meets at a barrier each round. The sums must come out right.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "test/guest/heavy/check.h"

namespace {

class BoundedQueue {
 public:
  void Push(long value) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return values_.size() < kCapacity; });
    values_.push_back(value);
    not_empty_.notify_one();
  }
  long Pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return !values_.empty(); });
    long value = values_.front();
    values_.pop_front();
    not_full_.notify_one();
    return value;
  }

 private:
  static constexpr size_t kCapacity = 2;
  std::mutex mutex_;
  std::condition_variable not_full_, not_empty_;
  std::deque<long> values_;
};

class Barrier {
 public:
  explicit Barrier(long count) : count_(count) {}
  void Wait() {
    std::unique_lock lock(mutex_);
    long generation = generation_;
    if (++waiting_ == count_) {
      waiting_ = 0;
      ++generation_;
      all_here_.notify_all();
      return;
    }
    all_here_.wait(lock, [&] { return generation_ != generation; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  long count_, waiting_ = 0, generation_ = 0;
};

struct Counter {
  std::mutex mutex;
  long value = 0;
};

constexpr int kCounters = 4, kQueues = 8;

}  // namespace

int main(int argc, char** argv) {
  long threads = Option(argc, argv, "threads", 200) & ~1l, rounds = Option(argc, argv, "rounds", 200);
  Counter counters[kCounters];
  BoundedQueue queues[kQueues];
  Barrier barrier(threads);
  std::mutex sum_mutex;
  long popped = 0;

  auto body = [&](long id) {
    // Partners share a queue: the even one pushes, the odd one pops.
    BoundedQueue& queue = queues[id / 2 % kQueues];
    long mine = 0;
    for (long round = 0; round < rounds; ++round) {
      for (Counter& counter : counters) {
        std::lock_guard lock(counter.mutex);
        ++counter.value;
      }
      if (id % 2 == 0) {
        queue.Push(round);
      } else {
        mine += queue.Pop();
      }
      if (round % 10 == 0) barrier.Wait();
    }
    std::lock_guard lock(sum_mutex);
    popped += mine;
  };

  std::vector<std::thread> all;
  for (long id = 0; id < threads; ++id) all.emplace_back(body, id);
  for (std::thread& thread : all) thread.join();

  for (Counter& counter : counters) CHECK(counter.value == threads * rounds);
  CHECK(popped == threads / 2 * (rounds * (rounds - 1) / 2));
  printf("threads: ok, %ld threads, %ld rounds\n", threads, rounds);
  return 0;
}
