// The state machine of kick(): nothing is lost, and no host signal is sent to a thread that is in the kernel.
#pragma once

#include <atomic>
#include <cstdint>

namespace runsc::seccomp {

// Functions that return true leave it to the caller to send the host signal.
class KickState {
 public:
  // From any thread.
  bool request() {
    std::uint32_t old = bits_.load();
    for (;;) {
      const bool send = (old & kRunning) != 0 && (old & kInFlight) == 0;
      if (bits_.compare_exchange_weak(old, old | kRequested | (send ? kInFlight : 0))) return send;
    }
  }

  // The thread is about to run application code (call before it does): a request that came meanwhile goes along.
  bool enter_application() {
    const std::uint32_t old = bits_.fetch_or(kRunning);
    if ((old & kRequested) == 0 || (old & kInFlight) != 0) return false;
    bits_.fetch_or(kInFlight);
    return true;
  }

  // It has stopped, which satisfies every request so far. `by_kick`: the host signal has arrived.
  void leave_application(bool by_kick) { bits_.fetch_and(~(kRunning | kRequested | (by_kick ? kInFlight : 0))); }

  // Takes a request that came while the thread was stopped.
  bool take_request() { return (bits_.fetch_and(~kRequested) & kRequested) != 0; }

  // A stop that somebody asked for was used up by something else: the next chance to stop is taken.
  void request_again() { bits_.fetch_or(kRequested); }

  // The host signal has arrived though the thread did not run in between.
  void signal_arrived() { bits_.fetch_and(~kInFlight); }

  // True: kill the host thread. While it starts nobody may (see SeccompContext::start), and the starter will.
  bool set_killed() { return (bits_.fetch_or(kKilled) & kStarted) != 0; }
  // True: somebody has asked to kill it meanwhile.
  bool set_started() { return (bits_.fetch_or(kStarted) & kKilled) != 0; }
  bool started() const { return (bits_.load() & kStarted) != 0; }
  bool killed() const { return (bits_.load() & kKilled) != 0; }

 private:
  static constexpr std::uint32_t kRunning = 1;    // application code runs, or is just about to
  static constexpr std::uint32_t kRequested = 2;  // somebody waits for a stop
  static constexpr std::uint32_t kInFlight = 4;   // the host signal was sent and has not arrived
  static constexpr std::uint32_t kKilled = 8;
  static constexpr std::uint32_t kStarted = 16;  // the host thread has its filter and its own descriptor table
  std::atomic<std::uint32_t> bits_{0};
};

}  // namespace runsc::seccomp
