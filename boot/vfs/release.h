// Letting go of long chains of objects without recursion.
#pragma once

#include <utility>
#include <vector>

namespace runsc {

// Releases a shared pointer from within a destructor: where destructors release further pointers of the same type
// through this function, they run one after another on one stack frame. A directory chain of a million levels, which an
// application can make, must not use a million frames.
template <typename Pointer>
void release_without_recursion(Pointer pointer) {
  thread_local std::vector<Pointer>* pending = nullptr;
  if (pending != nullptr) {
    pending->push_back(std::move(pointer));
    return;
  }
  std::vector<Pointer> queue;
  pending = &queue;
  queue.push_back(std::move(pointer));
  while (!queue.empty()) {
    const Pointer last = std::move(queue.back());
    queue.pop_back();
  }
  pending = nullptr;
}

}  // namespace runsc
