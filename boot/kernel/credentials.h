// Who a task is (credentials(7), capabilities(7)). Immutable: a change makes a new object, so that a reader on another
// thread always sees a consistent one.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "boot/abi/ids.h"

namespace runsc {

// Bit n stands for capability n.
class CapabilitySet {
 public:
  constexpr CapabilitySet() = default;
  constexpr explicit CapabilitySet(std::uint64_t bits) : bits_(bits & kAllBits) {}
  static constexpr CapabilitySet all() { return CapabilitySet(kAllBits); }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool has(int capability) const { return (bits_ >> capability) & 1; }
  constexpr void add(int capability) { bits_ |= 1ULL << capability; }
  constexpr void remove(int capability) { bits_ &= ~(1ULL << capability); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool subset_of(CapabilitySet other) const { return (bits_ & ~other.bits_) == 0; }
  constexpr CapabilitySet operator|(CapabilitySet other) const { return CapabilitySet(bits_ | other.bits_); }
  constexpr CapabilitySet operator&(CapabilitySet other) const { return CapabilitySet(bits_ & other.bits_); }
  constexpr CapabilitySet operator~() const { return CapabilitySet(~bits_); }
  friend constexpr bool operator==(CapabilitySet, CapabilitySet) = default;

 private:
  static constexpr std::uint64_t kAllBits = (1ULL << (CAP_LAST_CAP + 1)) - 1;
  std::uint64_t bits_ = 0;
};

struct Credentials {
  Uid real_uid{}, effective_uid{}, saved_uid{}, fs_uid{};
  Gid real_gid{}, effective_gid{}, saved_gid{}, fs_gid{};
  std::vector<Gid> groups;  // sorted
  CapabilitySet permitted, effective, inheritable, bounding, ambient;
  std::uint32_t securebits = 0;  // prctl(2) PR_SET_SECUREBITS
  bool keep_capabilities = false;
  bool no_new_privileges = false;

  bool has(int capability) const { return effective.has(capability); }
  // Whether `gid` is the file system gid or a supplementary group.
  bool in_group(Gid gid) const;
};

using CredentialsPtr = std::shared_ptr<const Credentials>;

// Root with every capability: the kernel's own file operations.
CredentialsPtr root_credentials();

// capabilities(7), "Effect of user ID changes on capabilities" for setuid and friends, given the ids before the change.
void adjust_capabilities_after_uid_change(const Credentials& before, Credentials& after);

}  // namespace runsc
