// Who a task is (credentials(7), capabilities(7)). Immutable: a change makes a new object, so that a reader on another
// thread always sees a consistent one.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/kernel/user_namespace.h"

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

  UserNamespacePtr user_namespace;  // in which the capabilities count; null: the sandbox's own

  // A capability over what belongs to the sandbox as a whole.
  bool has(int capability) const { return !user_namespace && effective.has(capability); }
  // Over the own user namespace.
  bool has_at_home(int capability) const { return effective.has(capability); }
  // Over what belongs to `names` (capabilities(7), user_namespaces(7)): also for the owner of a namespace, from
  // outside.
  bool has_in(const UserNamespacePtr& names, int capability) const;
  // Over a file with these owners: they must be mapped.
  bool has_over(int capability, Uid uid, Gid gid) const {
    return effective.has(capability) && (!user_namespace || maps_both(user_namespace, uid, gid));
  }
  // Whether `gid` is the file system gid or a supplementary group.
  bool in_group(Gid gid) const;
};

using CredentialsPtr = std::shared_ptr<const Credentials>;

// Root with every capability: the kernel's own file operations.
CredentialsPtr root_credentials();

// Of a task that has entered a user namespace as one with all rights in it.
void give_all_capabilities(Credentials& credentials);

// capabilities(7), "Effect of user ID changes on capabilities" for setuid and friends, given the ids before the change.
void adjust_capabilities_after_uid_change(const Credentials& before, Credentials& after);

}  // namespace runsc
