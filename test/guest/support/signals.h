// Scoped signal state and interruption of blocked threads without timing assumptions.
#ifndef TEST_GUEST_SUPPORT_SIGNALS_H_
#define TEST_GUEST_SUPPORT_SIGNALS_H_

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>
#include <thread>

#include "test/guest/support/errno.h"

namespace guest {

inline sigset_t SignalSet(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int s : signals) sigaddset(&set, s);
  return set;
}

// Installs a handler and puts the old disposition back.
class ScopedHandler {
 public:
  ScopedHandler(int signal, void (*handler)(int), int flags = 0) : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    EXPECT_OK(sigaction(signal, &action, &old_));
  }
  ScopedHandler(int signal, void (*handler)(int, siginfo_t*, void*), int flags) : signal_(signal) {
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = flags | SA_SIGINFO;
    EXPECT_OK(sigaction(signal, &action, &old_));
  }
  ScopedHandler(const ScopedHandler&) = delete;
  ScopedHandler& operator=(const ScopedHandler&) = delete;
  ~ScopedHandler() { sigaction(signal_, &old_, nullptr); }

 private:
  int signal_;
  struct sigaction old_ = {};
};

// Blocks signals in this thread and puts the old mask back.
class ScopedBlock {
 public:
  explicit ScopedBlock(std::initializer_list<int> signals) {
    sigset_t set = SignalSet(signals);
    EXPECT_EQ(0, pthread_sigmask(SIG_BLOCK, &set, &old_));
  }
  ScopedBlock(const ScopedBlock&) = delete;
  ScopedBlock& operator=(const ScopedBlock&) = delete;
  ~ScopedBlock() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }

 private:
  sigset_t old_;
};

// Sends a signal to the thread that made it, every few milliseconds until destroyed: whenever that thread blocks, it
// is interrupted sooner or later. The thread's handler must tolerate any number of them.
class Pester {
 public:
  explicit Pester(int signal)
      : thread_([this, signal, target = pthread_self()] {
          sigset_t all;
          sigfillset(&all);
          pthread_sigmask(SIG_BLOCK, &all, nullptr);
          while (!done_) {
            pthread_kill(target, signal);
            usleep(5000);
          }
        }) {}
  ~Pester() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

inline void IgnoreSignal(int) {}

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_SIGNALS_H_
