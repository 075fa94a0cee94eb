// Requests of the front end to a running sandbox: one blocking method for each of the control interface
// (control/sandbox.capnp says what each does and how it fails).
//
// Not for use by several threads; several clients on one thread are fine. Every method throws ControlError: with the
// sandbox's own reason; when the sandbox ends before it has answered (kGone); when it does not answer within the
// patience (kSilent); when its answer is none. The sandbox is not trusted: texts of one line are printable and bounded,
// lists are bounded by the size of a message, answers carry no descriptors.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/types.h"
#include "runsc/common/user_error.h"

namespace runsc::control {

class ControlError : public UserError {
 public:
  enum class Cause {
    kRefused,  // by the sandbox: code()
    kGone,     // nothing listens there, or the sandbox ended while it was asked
    kSilent,
    kBroken,  // not a sandbox, or not a sound one
  };
  ControlError(Cause cause, FailureCode code, const std::string& message)
      : UserError(message), cause_(cause), code_(code) {}
  Cause cause() const { return cause_; }
  // Of kRefused.
  FailureCode code() const { return code_; }

 private:
  Cause cause_;
  FailureCode code_;
};

// A wait in progress. It may outlive neither its client nor be used from another thread. Destroying it ends the wait in
// the sandbox too.
class PendingExit {
 public:
  PendingExit(PendingExit&&) noexcept;
  PendingExit& operator=(PendingExit&&) noexcept;
  ~PendingExit();
  // Blocks until the status (as wait(2) gives it) is there, or `wake` (borrowed; -1: none) is readable: nullopt. The
  // client may be used for other requests in between. Throws ControlError.
  std::optional<int> next(int wake = -1);

 private:
  friend class Client;
  struct State;
  explicit PendingExit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The same for a sequence of events.
class EventReader {
 public:
  EventReader(EventReader&&) noexcept;
  EventReader& operator=(EventReader&&) noexcept;
  ~EventReader();
  std::optional<Event> next(int wake = -1);

 private:
  friend class Client;
  struct State;
  explicit EventReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Client {
 public:
  static constexpr std::chrono::milliseconds kPatience{30'000};

  // Connects to the control socket at `path` (of any length) and agrees on a version. The listener must belong to the
  // caller or to root; root itself accepts any owner.
  explicit Client(const std::string& path, std::chrono::milliseconds patience = kPatience);
  // The same over a connected socket.
  explicit Client(UniqueFd socket, std::chrono::milliseconds patience = kPatience);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // The newest version of the interface that the sandbox serves, and the text of the program that runs it.
  std::uint32_t server_version() const;
  const std::string& server_text() const;

  // Returns host processes as the boot process's pid namespace numbers them; what the container runs is forked from
  // these, and so is where they are.
  std::vector<int> create_container(CreateRequest request);
  void start_container(const std::string& id);
  void destroy_container(const std::string& id);
  // Returns the process's number in the container.
  int exec(ExecRequest request);
  // Both for as long as it takes. `tied`: if this program ends before, what it waits for is killed.
  PendingExit wait_container(const std::string& id, bool tied = false);
  PendingExit wait_process(const std::string& id, int pid, bool tied = false);
  void signal(const std::string& id, SignalTarget target, int number);
  std::vector<ProcessInfo> processes(const std::string& id);
  Stats stats(const std::string& id);
  // Of one container, or of all.
  EventReader events(const std::optional<std::string>& id);
  void pause(const std::string& id);
  void resume(const std::string& id);
  // `pid` 0: the first process; zero rows and columns: as the host terminal is.
  void resize(const std::string& id, int pid, ConsoleSize size);
  void update(const std::string& id, const Limits& limits);
  std::string stacks();
  void set_logging(bool debug, bool strace);
  std::vector<ContainerInfo> containers();

 private:
  friend class PendingExit;
  friend class EventReader;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace runsc::control
