// Context by one host process that shares its address space's memory.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "boot/platform/platform.h"
#include "boot/platform/seccomp/host_thread.h"
#include "boot/platform/seccomp/kick_state.h"
#include "boot/platform/seccomp/signal_frame.h"

namespace runsc::seccomp {

class SeccompAddressSpace;

class SeccompContext : public Context {
 public:
  // `thread` is on its way to its listener or parked; its area holds the frame that it is to resume from.
  // `rseq`: what the thread registers when it starts.
  SeccompContext(SeccompAddressSpace& space, HostThread thread, const RseqArea& rseq)
      : space_(space), thread_(std::move(thread)), rseq_(rseq) {}
  ~SeccompContext() override;

  Event wait() override;
  void finish_syscall(std::int64_t value) override;
  void continue_natively() override;
  void resume() override;
  Result<void> capture(std::int64_t value) override;
  Result<bool> call_natively() override;
  Registers& registers() override { return stopped_.registers; }
  std::span<const std::byte> fp_state() const override;
  Result<void> set_fp_state(std::span<const std::byte> bytes) override;
  const RseqArea& rseq() const override { return rseq_; }
  void run_on(std::uint64_t processors) override;
  void kick() override;
  void kill() override;
  int host_tid() const override { return thread_.process.pid(); }

 private:
  enum class Phase {
    kNew,      // on its way to the first doorbell
    kRunning,  // application code
    kSyscall,  // in a notification; only the call's arguments are known
    kStopped,  // in the signal handler's doorbell; everything is known
    kGone,
  };

  bool start();
  std::uint32_t& ready_word() { return thread_.area.mailbox().ready; }
  bool is_doorbell(const Notification& notification) const;
  Event take_event(const Notification& notification);
  Event syscall_event(const Notification& notification);
  Event stopped_event();
  Event trapped_syscall() const;
  Event fault_event() const;
  bool load_stopped(const Notification& notification);
  void leave_kernel();
  Event gone(const char* reason);
  void place() const;
  void note_rseq(const seccomp_data& call);

  SeccompAddressSpace& space_;
  HostThread thread_;
  KickState kicks_;
  std::atomic<std::uint64_t> processors_{0};  // 0: run_on() was not called
  Phase phase_ = Phase::kNew;
  Notification notification_{};  // the one to answer, in kSyscall and kStopped
  bool kicked_while_stopped_ = false;
  StoppedThread stopped_;
  RseqArea rseq_;
  bool rseq_left_ = false;  // the stub has ended the registration, because the thread asked to exit
  // The FP state of a stopped thread, once somebody asked for it or replaced it.
  mutable std::optional<std::vector<std::byte>> fp_;
  bool fp_replaced_ = false;
};

}  // namespace runsc::seccomp
