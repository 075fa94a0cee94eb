// The numbers by which /proc/<pid>/ns tells namespaces apart (namespaces(7)).
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "boot/base/lock.h"

namespace runsc {

// Numbers of namespaces that a sandbox has only one of: Linux's own for its initial ones.
inline constexpr std::uint64_t kUserNamespaceNumber = 4026531837;
inline constexpr std::uint64_t kCgroupNamespaceNumber = 4026531835;
inline constexpr std::uint64_t kTimeNamespaceNumber = 4026531834;
inline constexpr std::uint64_t kNetNamespaceNumber = 4026531992;

// Hands them out. An object keeps its number as long as it lives, and no other object gets the same. Thread-safe.
class NamespaceNumbers {
 public:
  std::uint64_t of(const std::shared_ptr<const void>& object);

 private:
  static constexpr std::uint64_t kFirst = 4026532000;
  struct State {
    std::map<std::weak_ptr<const void>, std::uint64_t, std::owner_less<>> numbers;
    std::uint64_t next = kFirst;
  };
  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
