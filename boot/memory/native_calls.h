// Calls that the host executes in an application's own thread after the kernel has answered (Context::
// continue_natively()). Until the thread's next event nobody knows whether the host has done it already.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "boot/memory/vma.h"
#include "boot/platform/platform.h"

namespace runsc {

// Part of a MemoryManager's state, guarded by its lock. A thread has at most one such call under way, so that the list
// is as short as the threads that make memory calls right now.
class NativeCalls {
 public:
  void begin(Context& context, AddressRange range) { calls_.push_back({&context, range, {}}); }
  // What the call unmaps. The files stay until it is over: their pages must not be given to others while the host may
  // still have them mapped here.
  void keep(const Context& context, std::vector<Vma> unmapped) {
    for (Call& call : calls_)
      if (call.context == &context) call.unmapped = std::move(unmapped);
  }
  // Returns what the call has unmapped, to be destroyed without the lock.
  std::vector<Vma> done(const Context& context) {
    std::vector<Vma> unmapped;
    for (Call& call : calls_)
      if (call.context == &context) unmapped = std::move(call.unmapped);
    std::erase_if(calls_, [&](const Call& call) { return call.context == &context; });
    return unmapped;
  }
  bool empty() const { return calls_.empty(); }
  bool overlap(AddressRange range) const {
    return std::ranges::any_of(calls_, [&](const Call& call) { return call.range.overlaps(range); });
  }
  // Makes the threads stop whose calls overlap, so that they report soon.
  void hurry(AddressRange range) const {
    for (const Call& call : calls_)
      if (call.range.overlaps(range)) call.context->kick();
  }
  // The ranges, which placement avoids.
  void append_ranges(std::vector<AddressRange>& ranges) const {
    for (const Call& call : calls_) ranges.push_back(call.range);
  }

 private:
  struct Call {
    Context* context;
    AddressRange range;
    std::vector<Vma> unmapped;
  };
  std::vector<Call> calls_;
};

}  // namespace runsc
