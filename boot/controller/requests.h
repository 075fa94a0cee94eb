// The requests of one connection that are being served.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace runsc {

// Counts for as long as something holds it, on whichever thread.
using RequestToken = std::shared_ptr<void>;

class Requests : public std::enable_shared_from_this<Requests> {
 public:
  explicit Requests(std::size_t max) : max_(max) {}

  // Null when there are too many already.
  RequestToken begin() {
    if (count_.fetch_add(1) >= max_) {
      count_.fetch_sub(1);
      return nullptr;
    }
    return RequestToken(this, [self = shared_from_this()](void*) { self->count_.fetch_sub(1); });
  }
  bool idle() const { return count_.load() == 0; }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace runsc
