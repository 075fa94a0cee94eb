// What others have changed in the directories of a shared mount: cached names and attributes are trusted as long as it
// says so, without a question to the gofer.
//
// The gofer watches the directories that the kernel has handles of (inotify(7)). The host puts an event into the queue
// before the call that made the change returns, so whoever was told by the changer finds it there: an empty queue is
// proof that what was seen before still holds.
#pragma once

#include <sys/inotify.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/unique_fd.h"

namespace runsc {

// Any thread may call; the lock is a leaf.
class HostChanges {
 public:
  // `queue`: non-blocking, never read by others. Invalid: nothing is ever known to be unchanged.
  explicit HostChanges(UniqueFd queue) : queue_(std::move(queue)) {}

  // An inode of a directory with this watch exists from now on. False: what was learned with the watch may be out of
  // date already. 0 is no watch: false.
  bool add(std::int32_t watch);
  void remove(std::int32_t watch);

  // How often the directory has changed; nothing when it is not watched (any more).
  std::optional<std::uint64_t> version(std::int32_t watch);

  // Whether what was last known of a name in the directory still holds.
  bool is_current(std::int32_t watch, std::string_view name);

  // The name was asked for after `version` was taken, so what is known of it now is current, unless the directory has
  // changed again since.
  void confirm(std::int32_t watch, std::string_view name, std::optional<std::uint64_t> version);

  // A change of our own that is about to be made: its event leaves the name current. While it exists.
  class OwnChange {
   public:
    OwnChange(HostChanges& changes, std::int32_t watch, std::string_view name, std::uint32_t event);
    ~OwnChange();
    OwnChange(const OwnChange&) = delete;
    OwnChange& operator=(const OwnChange&) = delete;
    // The change was made: without this, nothing is taken for known about the name.
    void done() { done_ = true; }

   private:
    HostChanges& changes_;
    const std::int32_t watch_;
    const std::string name_;
    const std::uint32_t event_;
    bool done_ = false;
  };

 private:
  struct Expected {
    std::string name;
    std::uint32_t event;
  };
  struct Directory {
    std::uint32_t inodes = 0;
    std::uint64_t version = 0;
    // The names that are not as the rest: stale ones among current ones or, after too many changes, the other way
    // round.
    bool stale_by_default = false;
    std::set<std::string, std::less<>> exceptions;
    std::vector<Expected> expected;
  };
  struct State {
    std::unordered_map<std::int32_t, Directory> directories;
    // Watches that have changed while no inode was there to be told: the one that comes later starts stale.
    std::set<std::int32_t> unclaimed;
    // There may have been more of them: every directory starts stale.
    bool distrust = false;
  };

  void settle();
  static void take_events(State& state, std::span<const std::byte> bytes);
  static void take_event(State& state, const inotify_event& event, std::string_view name);
  static void lose_everything(State& state);
  static void mark_stale(Directory& directory, std::string_view name);
  static Directory* find(State& state, std::int32_t watch);

  const UniqueFd queue_;
  // Events have left the queue and are not all in `state_` yet.
  std::atomic<bool> settling_{false};
  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
