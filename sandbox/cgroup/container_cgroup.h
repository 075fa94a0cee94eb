// The cgroup of a container on the host: made before anything of the container runs, changed by `update`, removed with
// the container.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/cgroup/cgroup_doors.h"
#include "sandbox/cgroup/cgroup_host.h"
#include "sandbox/cgroup/cgroup_paths.h"

namespace runsc {

struct CgroupRequest {
  std::string id;
  std::string path;  // linux.cgroupsPath
  CgroupDriver driver = CgroupDriver::kFiles;
  bool rootless = false;  // of systemd, the user's own
  oci::Resources resources;
};

// The steps of making one, in the order of the methods.
class ContainerCgroup {
 public:
  // Nothing is made yet. Throws UserError for a path that cannot be or where others' processes are, and where systemd
  // is asked for and does not run.
  ContainerCgroup(CgroupHost host, CgroupRequest request);

  // What remove_cgroups() has to be given: to be saved before make(), so that it is found if we are killed.
  const std::vector<std::string>& entries() const { return entries_; }

  // Makes the directories, unless systemd does that in enter(). False: the place, which nobody has asked for, has just
  // become somebody else's; entries() is another one now, to be saved and made. Throws UserError. Unless it returns
  // true, nothing has been made.
  [[nodiscard]] bool make();

  // Writes the limits, unless systemd does that in enter(). Throws UserError.
  void limit() const;

  // For the processes to come; leads nowhere where systemd makes the cgroups in enter(). Throws UserError.
  CgroupDoors open_doors() const;

  // Sees to it that processes are in all of them, none of which runs the application's code yet. `born` are those that
  // have come, or will, through open_doors(); what the doors do not lead to, and the others, are moved.
  void enter(const std::vector<pid_t>& born, const std::vector<pid_t>& others = {});

 private:
  bool may_do_without() const;
  // The place is our choice, and never one that exists: two containers may have the same id, each in a root of its own.
  bool is_implicit() const;
  bool make_directories();
  void unmake();
  void find_free_place();
  void move_on();
  void apply_limits() const;
  // The ways in of version 1 are files of their own, of version 2 a parameter of clone3(2).
  bool has_door(const std::string& directory) const;
  void enter_directories(const std::vector<pid_t>& born, const std::vector<pid_t>& others);

  CgroupHost host_;
  CgroupRequest request_;
  std::optional<SystemdUnit> unit_;
  int attempts_ = 0;
  std::vector<std::string> entries_;
  std::vector<std::string> directories_;  // those that exist; filled by make_directories()
};

// The entries of a container that are directories; the others are units of systemd, "unit:NAME" or "user-unit:NAME".
std::vector<std::string> cgroup_directories_of(const std::vector<std::string>& entries);

// Moves processes into the cgroup of a container that exists; one that has ended is no error. Throws UserError, but not
// where the caller lacks the right.
void enter_cgroups(const std::vector<std::string>& entries, const std::vector<pid_t>& pids);

// Writes limits into the cgroup of a container that exists. Throws UserError; limits that were written before stay.
void update_cgroup(const CgroupHost& host, const std::vector<std::string>& entries, const oci::Resources& resources);

enum class Leftovers {
  kKill,
  kSpare,  // they may be somebody else's
};

// What is gone already, or is still busy with a process after a while, is no error.
void remove_cgroups(const std::vector<std::string>& entries, Leftovers leftovers) noexcept;

}  // namespace runsc
