#include "boot/vfs/dentry.h"

namespace runsc {

void DentryCache::open() { state_.lock()->open = true; }

void DentryCache::close() {
  std::list<DentryPtr> dropped;
  auto state = state_.lock();
  state->open = false;
  evict(*state, 0, dropped);
  state.unlock();
}

void DentryCache::add(const DentryPtr& dentry) {
  std::list<DentryPtr> dropped;
  auto state = state_.lock();
  if (!state->open || dentry->listed_) return;
  dentry->listed_at_ = state->dentries.insert(state->dentries.end(), dentry);
  dentry->listed_ = true;
  evict(*state, state->limit, dropped);
  state.unlock();
}

void DentryCache::remove(Dentry& dentry) {
  std::list<DentryPtr> dropped;
  auto state = state_.lock();
  if (!dentry.listed_) return;
  dentry.listed_ = false;
  dropped.splice(dropped.end(), state->dentries, dentry.listed_at_);
  state.unlock();
}

void DentryCache::shrink(std::size_t keep) {
  std::list<DentryPtr> dropped;
  auto state = state_.lock();
  evict(*state, keep, dropped);
  state.unlock();
}

void DentryCache::evict(State& state, std::size_t keep, std::list<DentryPtr>& dropped) {
  // Every dentry gets one second chance, so the loop ends.
  std::size_t chances = keep == 0 ? 0 : state.dentries.size();
  while (state.dentries.size() > keep) {
    const DentryPtr& oldest = state.dentries.front();
    if (chances != 0 && oldest->used_.exchange(false, std::memory_order_relaxed)) {
      --chances;
      state.dentries.splice(state.dentries.end(), state.dentries, state.dentries.begin());
      continue;
    }
    oldest->listed_ = false;
    dropped.splice(dropped.end(), state.dentries, state.dentries.begin());
  }
}

}  // namespace runsc
