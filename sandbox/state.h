// What is kept about a container between commands: <root>/<id>/state.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/process_identity.h"

namespace runsc {

enum class Status { kCreating, kCreated, kRunning, kPaused, kStopped };

const char* status_name(Status status);

struct ContainerState {
  std::string id;
  std::string bundle;   // absolute
  std::string rootfs;   // absolute
  std::string created;  // RFC 3339
  std::string owner;    // name of the user who created it
  std::map<std::string, std::string> annotations;
  Status status = Status::kCreating;  // as last saved; see status_now()
  // The sandbox that it has joined; empty: its own, of the same id.
  std::string sandbox_id;
  ProcessIdentity boot;   // of its own sandbox
  ProcessIdentity relay;  // instead of it, in a sandbox of others
  ProcessIdentity gofer;
  // The command that made the container. In the foreground it takes the container away when it ends.
  ProcessIdentity creator;
  bool foreground = false;
  std::vector<std::string> cgroups;  // made for it, to be removed: see cgroup/container_cgroup.h
  std::string resources;             // linux.resources that hold now, as JSON; empty: none
  std::vector<oci::Hook> poststart;  // hooks to run when it has been started
  std::vector<oci::Hook> poststop;   // hooks to run when it has been deleted

  const std::string& sandbox() const { return sandbox_id.empty() ? id : sandbox_id; }
  // The process that callers know as the container's: it ends when the container does, with its status.
  const ProcessIdentity& init() const { return sandbox_id.empty() ? boot : relay; }
  // kStopped as soon as that is gone, whatever was saved.
  Status status_now() const;
  // Left behind by a command that was killed half-way, or while it ran the container in the foreground: no process of
  // it lives, and nobody knows that it has to be deleted.
  bool abandoned() const;
  // False: its making was cut short before any process could be named here, and so before the cgroup was surely ours.
  bool names_processes() const { return init().pid != 0 || gofer.pid != 0; }
};

std::string state_to_json(const ContainerState& state);
// Throws UserError for text that state_to_json() has not written.
ContainerState state_from_json(const std::string& text, const std::string& id);

// The state as the specification has it, which hooks read and `state` prints.
std::string oci_state_json(const ContainerState& state, Status status);

// The present time, RFC 3339 with nanoseconds, UTC.
std::string timestamp_now();

// What of a file has to be there after the host has crashed.
enum class Keeping {
  kUntilRestart,  // nothing, since what it speaks of has gone too; a reader then may find it empty
  kForGood,       // the old or the new content: costs a write to the disk and the wait for it
};

// Writes a file so that a reader sees either the old or the new content. Throws UserError.
void write_atomically(const std::string& path, const std::string& text, unsigned mode, Keeping keeping);

}  // namespace runsc
