#include "test/guest/hostile/region.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include <set>

namespace hostile {
namespace {

sigjmp_buf jump;

void OnFault(int) { siglongjmp(jump, 1); }

// Catches faults as long as it lives.
class FaultGuard {
 public:
  FaultGuard() {
    struct sigaction action = {};
    action.sa_handler = OnFault;
    sigaction(SIGSEGV, &action, &old_segv_);
    sigaction(SIGBUS, &action, &old_bus_);
  }
  ~FaultGuard() {
    sigaction(SIGSEGV, &old_segv_, nullptr);
    sigaction(SIGBUS, &old_bus_, nullptr);
  }

 private:
  struct sigaction old_segv_, old_bus_;
};

bool Reads(uintptr_t address) {
  if (sigsetjmp(jump, 1) != 0) return false;
  (void)*reinterpret_cast<volatile char*>(address);
  return true;
}

// Writes back what is there: another process's view may change, the value does not.
bool Writes(uintptr_t address) {
  if (sigsetjmp(jump, 1) != 0) return false;
  auto* p = reinterpret_cast<volatile char*>(address);
  *p = *p;
  return true;
}

void Search(uintptr_t from, uintptr_t to, uintptr_t step, std::set<uintptr_t>* found) {
  for (uintptr_t address = from; address < to; address += step) {
    if (Reads(address)) found->insert(address & ~(kPage - 1));
  }
}

}  // namespace

bool IsReadable(uintptr_t address) {
  FaultGuard guard;
  return Reads(address);
}

std::vector<Page> FindPages() {
  FaultGuard guard;
  std::set<uintptr_t> found;
  Search(kRegionHint - (uintptr_t{1} << 30), kRegionHint + (uintptr_t{4} << 30), 1 << 20, &found);
  Search(kRegionHint - (1 << 20), kRegionHint + (16 << 20), kPage, &found);
  for (uintptr_t seed : std::set<uintptr_t>(found)) Search(seed - 64 * kPage, seed + 64 * kPage, kPage, &found);
  std::vector<Page> pages;
  for (uintptr_t address : found) pages.push_back({address, Writes(address)});
  return pages;
}

std::vector<Page> Choose(const std::vector<Page>& pages, size_t limit, Random* random) {
  std::set<size_t> chosen;
  for (size_t i = 0; i < pages.size() && i < limit / 2; ++i) chosen.insert(i);
  while (chosen.size() < limit && chosen.size() < pages.size()) chosen.insert(random->Below(pages.size()));
  std::vector<Page> out;
  for (size_t i : chosen) out.push_back(pages[i]);
  return out;
}

std::vector<uintptr_t> Targets(const std::vector<Page>& pages) {
  std::vector<uintptr_t> out;
  for (const Page& page : pages) out.push_back(page.address);
  for (uintptr_t offset = 0; offset < (8 << 20); offset += 1 << 20) out.push_back(kRegionHint + offset);
  out.push_back(kRegionHint - kPage);
  return out;
}

}  // namespace hostile
