// Threads of C++: a pool over a queue, atomics, futures, thread-local data, exceptions across threads.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

thread_local int calls = 0;

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 0; i < threads; i++) threads_.emplace_back([this] { run(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> guard(mutex_);
      done_ = true;
    }
    ready_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void add(std::function<void()> job) {
    std::lock_guard<std::mutex> guard(mutex_);
    jobs_.push_back(std::move(job));
    ready_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      ready_.wait(lock, [this] { return done_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      calls++;
      job();
    }
  }
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  bool done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

int main() {
  std::atomic<long> sum{0};
  {
    Pool pool(20);
    for (int i = 0; i < 10000; i++) pool.add([&sum, i] { sum += i; });
  }
  std::printf("%ld %d\n", sum.load(), calls);
  auto thrown = std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); });
  try {
    thrown.get();
  } catch (const std::exception& error) {
    std::puts(error.what());
  }
  std::vector<std::future<std::string>> results;
  for (int i = 0; i < 8; i++) results.push_back(std::async(std::launch::async, [i] { return std::to_string(i * i); }));
  for (auto& result : results) std::printf("%s ", result.get().c_str());
  std::puts("");
}
