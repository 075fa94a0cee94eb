// On which processor a round trip takes place.
//
// Waking a thread on another, idle processor costs 20-70 us in a virtual machine (that processor leaves its halt
// state), the rest of a round trip 4 us. So both sides use the client's: the server's thread stays where its client
// was last, and the client stays there while it waits.
#pragma once

#include <sched.h>

#include <cstdint>

namespace runsc::gofer {

// A request that does not say where its client is.
inline constexpr std::uint16_t kAnyProcessor = 0xffff;

// Keeps the calling thread on its processor while it lives. Does nothing where the host does not allow that: nothing
// but speed depends on it.
class StayHere {
 public:
  StayHere() {
    const int here = ::sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
    if (CPU_COUNT(&before_) < 2 || !move_to(static_cast<std::uint16_t>(here))) return;
    processor_ = static_cast<std::uint16_t>(here);
  }
  ~StayHere() {
    if (processor_ != kAnyProcessor) ::sched_setaffinity(0, sizeof(before_), &before_);
  }
  StayHere(const StayHere&) = delete;
  StayHere& operator=(const StayHere&) = delete;

  // kAnyProcessor if the thread is not kept anywhere.
  std::uint16_t processor() const { return processor_; }

  static bool move_to(std::uint16_t processor) {
    if (processor >= CPU_SETSIZE) return false;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    return ::sched_setaffinity(0, sizeof(only), &only) == 0;
  }

 private:
  cpu_set_t before_;
  std::uint16_t processor_ = kAnyProcessor;
};

}  // namespace runsc::gofer
