// Random system calls.
#ifndef TEST_GUEST_HOSTILE_FUZZ_H_
#define TEST_GUEST_HOSTILE_FUZZ_H_

#include <stdint.h>

#include <vector>

namespace hostile {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t Next();
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

// Makes `count` calls with numbers 0..600 and arguments that are nearly right more often than chance would have it.
// `contained`: also those calls that could harm the machine if this were not a sandbox.
void RandomCalls(uint64_t seed, int count, bool contained, const std::vector<uintptr_t>& targets);

}  // namespace hostile

#endif  // TEST_GUEST_HOSTILE_FUZZ_H_
