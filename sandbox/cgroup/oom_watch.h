// Sees the host's kernel run out of a cgroup's memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "sandbox/cgroup/cgroup_host.h"

namespace runsc {

// Version 1 tells through an eventfd that memory.oom_control is registered with, version 2 by a change of the file
// memory.events.
class OomWatch {
 public:
  // Of the container with these entries. Throws UserError where nothing counts its memory.
  OomWatch(const CgroupHost& host, const std::vector<std::string>& entries);

  // Readable when something has happened: then call take().
  int fd() const { return fd_.get(); }

  enum class Event {
    kNothing,
    kOom,   // a process was killed, or has to wait, for want of memory
    kGone,  // the cgroup has been removed
  };
  Event take();

  // Processes that the host has killed for want of memory since the cgroup was made.
  std::uint64_t kills() const;

 private:
  void watch_v1();
  void watch_v2();

  std::string directory_;
  bool unified_ = false;
  UniqueFd fd_;
  std::uint64_t seen_kills_ = 0;
};

// The same without watching; 0 where nothing counts.
std::uint64_t count_oom_kills(const CgroupHost& host, const std::vector<std::string>& entries);

}  // namespace runsc
