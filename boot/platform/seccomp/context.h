// Context by one host process that shares its address space's memory.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "boot/platform/platform.h"
#include "boot/platform/seccomp/kick_state.h"
#include "boot/platform/seccomp/listener.h"
#include "boot/platform/seccomp/process.h"
#include "boot/platform/seccomp/signal_frame.h"

namespace runsc::seccomp {

class SeccompAddressSpace;

class SeccompContext : public Context {
 public:
  // `process` starts by replacing the listener's descriptor; `area` holds the frame that it then resumes from.
  SeccompContext(SeccompAddressSpace& space, int area_index, ThreadArea area, Process process, Listener listener);
  ~SeccompContext() override;

  Event wait() override;
  void finish_syscall(std::int64_t value) override;
  void continue_natively() override;
  void resume() override;
  Result<void> capture(std::int64_t value) override;
  Registers& registers() override { return stopped_.registers; }
  std::span<const std::byte> fp_state() const override;
  Result<void> set_fp_state(std::span<const std::byte> bytes) override;
  void kick() override;
  void kill() override;
  int host_tid() const override { return phase_ == Phase::kNew ? 0 : process_.pid(); }

 private:
  enum class Phase {
    kNew,      // on its way to the first doorbell
    kRunning,  // application code
    kSyscall,  // in a notification; only the call's arguments are known
    kStopped,  // in the signal handler's doorbell; everything is known
    kGone,
  };

  bool start();
  bool await_listener();
  bool is_start_doorbell(const Notification& notification) const;
  bool is_doorbell(const Notification& notification) const;
  Event take_event(const Notification& notification);
  Event syscall_event(const Notification& notification);
  Event stopped_event();
  Event trapped_syscall() const;
  Event fault_event() const;
  bool load_stopped(const Notification& notification);
  void leave_kernel();
  Event gone(const char* reason);

  SeccompAddressSpace& space_;
  const int area_index_;
  const ThreadArea area_;
  Process process_;
  Listener listener_;
  KickState kicks_;
  Phase phase_ = Phase::kNew;
  Notification notification_{};  // the one to answer, in kSyscall and kStopped
  bool kicked_while_stopped_ = false;
  StoppedThread stopped_;
  // The FP state of a stopped thread, once somebody asked for it or replaced it.
  mutable std::optional<std::vector<std::byte>> fp_;
  bool fp_replaced_ = false;
};

}  // namespace runsc::seccomp
