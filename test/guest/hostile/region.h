// Where a sandbox keeps code and mailboxes of its own inside its applications, as far as a program can find out.
#ifndef TEST_GUEST_HOSTILE_REGION_H_
#define TEST_GUEST_HOSTILE_REGION_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "test/guest/hostile/fuzz.h"

namespace hostile {

constexpr uintptr_t kPage = 4096;

// The neighbourhood that is searched. Nothing is mapped there natively.
constexpr uintptr_t kRegionHint = 0x7e0000000000;

struct Page {
  uintptr_t address;
  bool writable;
};

// Finds accessible pages near the hint by touching them: coarsely in a wide range, finely near the hint and near what
// was found.
std::vector<Page> FindPages();

// A sandbox may map far more than it uses: of many pages the first ones (where the work is done) and some others, at
// most `limit`, in order.
std::vector<Page> Choose(const std::vector<Page>& pages, size_t limit, Random* random);

// Whether a byte can be read there.
bool IsReadable(uintptr_t address);

// Addresses to attack: pages that were found, and the hint with its surroundings in any case.
std::vector<uintptr_t> Targets(const std::vector<Page>& pages);

}  // namespace hostile

#endif  // TEST_GUEST_HOSTILE_REGION_H_
