// What one instance of tmpfs may use: pages (size=) and inodes (nr_inodes=).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace runsc {

// A counter with a limit; 0 means no limit. Thread-safe.
class Quota {
 public:
  explicit Quota(std::uint64_t limit) : limit_(limit) {}
  bool take(std::uint64_t count) {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (limit != 0 && (count > limit || used > limit - count)) return false;
    } while (!used_.compare_exchange_weak(used, used + count));
    return true;
  }
  // As much of `count` as there is.
  std::uint64_t take_up_to(std::uint64_t count) {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    std::uint64_t granted = count;
    do {
      if (limit != 0) granted = used >= limit ? 0 : std::min(count, limit - used);
    } while (!used_.compare_exchange_weak(used, used + granted));
    return granted;
  }
  void give_back(std::uint64_t count) { used_.fetch_sub(count); }
  std::uint64_t used() const { return used_.load(); }
  std::uint64_t limit() const { return limit_.load(); }
  void set_limit(std::uint64_t limit) { limit_.store(limit); }

 private:
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> limit_;
};

}  // namespace runsc
