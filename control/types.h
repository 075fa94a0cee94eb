// What the methods of the control interface take and give, as plain data: the same for the client in the front end, the
// server in the boot process and the service that the server calls. control/sandbox.capnp is its form on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/loader/container_config.h"

namespace runsc::control {

// The version of the interface. It is raised with every change that another side has to know of; kOldestVersion when
// the older ones can no longer be served.
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kOldestVersion = 1;

// Why a request was not carried out, for programs. The values are those of the wire's FailureCode.
enum class FailureCode : std::uint16_t {
  kInternal = 0,            // the sandbox's own fault
  kInvalid = 1,             // the request makes no sense: a bad id, signal, size, configuration
  kNotFound = 2,            // no such container
  kNoProcess = 3,           // no such process in the container
  kExists = 4,              // a container with this id exists already
  kNotRunning = 5,          // the container has not been started, or has ended
  kFinished = 6,            // the process has ended already
  kPaused = 7,              // not while the container is paused
  kRunning = 8,             // not while the container is running
  kExecutableNotFound = 9,  // exec, start: no such program (the shell's 127)
  kNotExecutable = 10,      // exec, start: it cannot be executed (126)
  kDenied = 11,             // this caller may not
  kUnsupported = 12,        // this sandbox cannot
  kLimit = 13,              // too many or too much: of connections, requests, processes, descriptors
  kVersionMismatch = 14,    // the other side speaks a version that is not served
};
inline constexpr FailureCode kLastFailureCode = FailureCode::kVersionMismatch;

// `message` is one line for a person, lower case, without a full stop: what, where, why. The texts that callers of runc
// match on are kept: "container not running", "process already finished", "executable file not found in $PATH".
struct Failure {
  FailureCode code = FailureCode::kInternal;
  std::string message;
};

// A T, or why there is none.
template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}            // NOLINT: implicit on purpose
  Outcome(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Precondition: ok().
  T& operator*() { return *std::get_if<0>(&state_); }
  const T& operator*() const { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  // Precondition: !ok().
  const Failure& failure() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Failure> state_;
};

template <>
class [[nodiscard]] Outcome<void> {
 public:
  Outcome() = default;
  Outcome(Failure failure) : failure_(std::move(failure)) {}  // NOLINT
  bool ok() const { return !failure_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Precondition: !ok().
  const Failure& failure() const { return *failure_; }

 private:
  std::optional<Failure> failure_;
};

// A further container: its configuration and the descriptors that it names by index. An invalid descriptor in `stdio`
// is one that the container shall find closed.
struct CreateRequest {
  ContainerConfig config;                   // config.id is the container's id
  std::vector<UniqueFd> stdio;              // three; with config.terminal one host terminal three times
  std::vector<UniqueFd> gofer_connections;  // ContainerMount::connection
  std::vector<UniqueFd> overlay_stores;     // ContainerMount::overlay_store
};

// A further process of a container: OCI `process`, resolved. An empty cwd is that of the container's first process.
using runsc::ProcessConfig;

struct ExecRequest {
  std::string container;
  ProcessConfig process;
  std::vector<UniqueFd> stdio;  // three; with process.terminal one host terminal three times
  std::vector<UniqueFd> extra;  // the process's descriptors 3, 4, ..
  bool ignore_paused = false;   // it runs when the container is resumed
  bool tied = false;            // it is killed if the client ends before it waits for it
};

// Whom a signal is for. Process numbers are those of the container's pid namespace.
struct SignalTarget {
  enum class Kind : std::uint16_t {
    kInit,        // the container's first process
    kProcess,     // the process `pid`
    kAll,         // every process of the container
    kForeground,  // the process group in the foreground of the terminal of the process `pid`
  };
  Kind kind = Kind::kInit;
  std::int32_t pid = 0;
};

// One process of a container as ps(1) shows it.
struct ProcessInfo {
  std::int32_t pid = 0;
  std::int32_t ppid = 0;
  std::int32_t host_pid = 0;  // of its first thread, in the host pid namespace of the sandbox; 0: a zombie
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t threads = 0;
  std::int64_t start_time = 0;  // seconds since the epoch
  std::uint64_t cpu_time = 0;   // nanoseconds, user and system, of all threads
  std::string tty;              // "pts/0"; empty: none
  char state = 'S';             // as in /proc/<pid>/stat
  std::string comm;
  std::vector<std::string> args;  // empty: a zombie
};

// What a container uses. Nanoseconds, bytes, tasks; a limit that is absent is not set.
struct Stats {
  std::uint64_t cpu_user = 0;
  std::uint64_t cpu_system = 0;
  std::vector<std::uint64_t> cpu_per_processor;  // may be empty: not known
  std::uint64_t memory_current = 0;
  std::uint64_t memory_peak = 0;
  std::uint64_t memory_cache = 0;  // of memory_current: files in memory
  std::optional<std::uint64_t> memory_limit;
  std::uint64_t pids_current = 0;
  std::optional<std::uint64_t> pids_limit;
  std::uint64_t oom_kills = 0;
};

// New limits; an absent one stays as it is, kUnlimited takes it away.
struct Limits {
  static constexpr std::int64_t kUnlimited = -1;
  std::optional<std::int64_t> pids;
  std::optional<std::int64_t> memory;  // bytes
  // What follows is kept by the host, and shown inside.
  std::optional<std::int64_t> cpu_quota;             // microseconds in every cpu_period
  std::optional<std::int64_t> cpu_period{};          // microseconds
  std::optional<std::int64_t> cpu_shares{};          // of version 1
  std::optional<std::int64_t> memory_swap{};         // bytes of memory and swap together
  std::optional<std::int64_t> memory_reservation{};  // bytes
};

enum class ContainerStatus : std::uint16_t { kCreated, kRunning, kPaused, kStopped };

struct ContainerInfo {
  std::string id;
  ContainerStatus status = ContainerStatus::kCreated;
  std::uint32_t processes = 0;
};

// What happens to containers.
struct Event {
  enum class Kind : std::uint16_t {
    kExit,  // the container's first process ended; `status`
    kOom,   // a process was killed because the container's memory ran out
  };
  Kind kind = Kind::kExit;
  std::string container;
  std::int32_t status = 0;  // as wait(2) gives it
  std::uint64_t lost = 0;   // events before this one that did not fit the queue of a reader that was too slow
};

}  // namespace runsc::control
