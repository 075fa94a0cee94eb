#include "boot/platform/seccomp/context.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#include <csignal>

#include "boot/base/log.h"
#include "boot/platform/seccomp/address_space.h"
#include "boot/platform/seccomp/continuable.h"
#include "boot/platform/seccomp/futex.h"
#include "boot/platform/seccomp/stub/stub.h"
#include "boot/platform/seccomp/zygote.h"

namespace runsc::seccomp {
namespace {

constexpr int kPatienceMilliseconds = 100;
constexpr int kSysSeccomp = 1;  // si_code of SECCOMP_RET_TRAP
constexpr int kSiKernel = 0x80;
constexpr std::uint64_t kGeneralProtection = 13;
constexpr std::uint64_t kInt80ErrorCode = 0x80 * 8 + 2;  // the gate of the interrupt descriptor table
constexpr std::uint64_t kInt80Length = 2;

// The host would take these for its own restart codes when a signal is pending.
bool is_host_restart_code(std::int64_t value) { return value <= -512 && value >= -516; }

}  // namespace

SeccompContext::SeccompContext(SeccompAddressSpace& space, int area_index, ThreadArea area, Process process,
                               Listener listener)
    : space_(space),
      area_index_(area_index),
      area_(area),
      process_(std::move(process)),
      listener_(std::move(listener)) {}

// In this order: a thread that outlived its listener would see ENOSYS.
SeccompContext::~SeccompContext() {
  if (phase_ == Phase::kNew) await_listener();
  process_.end();
  space_.free_area(area_index_);
}

Event SeccompContext::gone(const char* reason) {
  if (reason != nullptr && !kicks_.killed())
    LOG(WARNING) << "application thread " << process_.pid() << " is killed: " << reason;
  process_.kill();
  phase_ = Phase::kGone;
  return {};
}

// A thread that is killed on its way here could leave its listener in the common descriptor table, so nobody does.
// The word in the mailbox only says when to look.
bool SeccompContext::await_listener() {
  std::uint32_t& ready = area_.mailbox().ready;
  for (;;) {
    const std::uint32_t seen = shared_word(ready).load(std::memory_order_acquire);
    if (seen != 0 && listener_.enable_sync_wake_up().ok()) return true;
    if (futex_wait(ready, seen, kPatienceMilliseconds)) continue;
    if (listener_.enable_sync_wake_up().ok()) return true;
    if (!process_.alive()) return false;
  }
}

bool SeccompContext::is_start_doorbell(const Notification& notification) const {
  return notification.pid == static_cast<std::uint32_t>(process_.pid()) && notification.data.nr == DOORBELL_NUMBER &&
         notification.data.instruction_pointer == stub_address(stub_start_doorbell);
}

bool SeccompContext::is_doorbell(const Notification& notification) const {
  return notification.data.nr == DOORBELL_NUMBER &&
         notification.data.instruction_pointer == stub_address(stub_doorbell);
}

bool SeccompContext::start() {
  if (!await_listener()) return false;
  if (kicks_.set_started()) return false;
  const auto first = listener_.receive();
  if (!first) return false;
  if (!is_start_doorbell(*first)) {
    LOG(ERROR) << "the first call of thread " << process_.pid() << " is not the start doorbell";
    return false;
  }
  notification_ = *first;
  leave_kernel();
  listener_.answer(notification_.id, 0);
  return true;
}

void SeccompContext::leave_kernel() {
  if (kicks_.enter_application()) process_.send(kick_signal());
  phase_ = Phase::kRunning;
}

Event SeccompContext::wait() {
  if (phase_ == Phase::kGone) return {};
  if (kicked_while_stopped_) {
    kicked_while_stopped_ = false;
    return {.kind = Event::Kind::kKicked, .full = true};
  }
  if (phase_ == Phase::kNew && !start()) return gone("it did not start");
  const auto notification = listener_.receive();
  if (!notification) return gone(nullptr);
  return take_event(*notification);
}

Event SeccompContext::take_event(const Notification& notification) {
  if (!is_doorbell(notification)) {
    kicks_.leave_application(false);
    return syscall_event(notification);
  }
  if (!load_stopped(notification)) return gone("its mailbox is inconsistent");
  kicks_.leave_application(stopped_.signal == static_cast<std::uint32_t>(kick_signal()));
  return stopped_event();
}

Event SeccompContext::syscall_event(const Notification& notification) {
  notification_ = notification;
  phase_ = Phase::kSyscall;
  Event event{.kind = Event::Kind::kSyscall};
  event.number = static_cast<std::uint32_t>(notification.data.nr);
  std::copy(std::begin(notification.data.args), std::end(notification.data.args), event.args.begin());
  event.instruction_pointer = notification.data.instruction_pointer;
  return event;
}

bool SeccompContext::load_stopped(const Notification& notification) {
  auto loaded = area_.load();
  if (!loaded) return false;
  stopped_ = *loaded;
  notification_ = notification;
  phase_ = Phase::kStopped;
  fp_.reset();
  fp_replaced_ = false;
  return true;
}

Event SeccompContext::stopped_event() {
  const HostSignalFrame& frame = stopped_.frame;
  if (stopped_.signal == static_cast<std::uint32_t>(kick_signal())) return {.kind = Event::Kind::kKicked, .full = true};
  if (stopped_.signal != SIGSYS) return fault_event();
  if (frame.info_code == kSysSeccomp && frame.info_arch == AUDIT_ARCH_X86_64) return trapped_syscall();
  // int 0x80: faults as on a host without support for 32-bit programs.
  stopped_.registers.rip -= kInt80Length;
  Event event = fault_event();
  event.signal = SIGSEGV;
  event.code = kSiKernel;
  event.address = 0;
  event.trap_number = kGeneralProtection;
  event.error_code = kInt80ErrorCode;
  return event;
}

Event SeccompContext::trapped_syscall() const {
  const Registers& registers = stopped_.registers;
  Event event{.kind = Event::Kind::kSyscall, .full = true};
  event.number = static_cast<std::uint32_t>(registers.rax);
  event.args = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9};
  event.instruction_pointer = registers.rip;
  return event;
}

Event SeccompContext::fault_event() const {
  const HostSignalFrame& frame = stopped_.frame;
  Event event{.kind = Event::Kind::kFault, .full = true};
  event.signal = static_cast<int>(stopped_.signal);
  event.code = frame.info_code;
  event.address = frame.info_address;
  event.trap_number = frame.context.trap_number;
  event.error_code = frame.context.error_code;
  return event;
}

void SeccompContext::finish_syscall(std::int64_t value) {
  if (phase_ == Phase::kStopped) {
    stopped_.registers.rax = static_cast<std::uint64_t>(value);
    return resume();
  }
  if (phase_ != Phase::kSyscall) return;
  leave_kernel();
  listener_.answer(notification_.id, is_host_restart_code(value) ? -EINTR : value);
}

void SeccompContext::continue_natively() {
  if (phase_ != Phase::kSyscall) return;
  if (!may_continue(space_.shared().rules, notification_.data)) {
    LOG(DFATAL) << "refused to continue system call " << notification_.data.nr << " natively";
    return finish_syscall(-ENOMEM);
  }
  leave_kernel();
  listener_.answer_continue(notification_.id);
}

void SeccompContext::resume() {
  if (phase_ != Phase::kStopped) return;
  if (kicks_.take_request()) {
    kicked_while_stopped_ = true;
    return;
  }
  const std::uint64_t fp = fp_replaced_ ? area_.place_fp(*fp_) : stopped_.frame.context.fpstate;
  area_.store(stopped_.registers, fp);
  leave_kernel();
  listener_.answer(notification_.id, 0);
}

// The signal is queued before the answer, so that its handler runs before the application's next instruction.
Result<void> SeccompContext::capture(std::int64_t value) {
  if (phase_ == Phase::kStopped) return {};
  if (phase_ != Phase::kSyscall) return Errno(EIO);
  process_.send(kick_signal());
  listener_.answer(notification_.id, 0);
  const auto notification = listener_.receive();
  if (!notification || !is_doorbell(*notification) || !load_stopped(*notification)) {
    gone(notification ? "it did not stop when told to" : nullptr);
    return Errno(EIO);
  }
  kicks_.signal_arrived();
  stopped_.registers.rax = static_cast<std::uint64_t>(value);
  return {};
}

std::span<const std::byte> SeccompContext::fp_state() const {
  if (!fp_) fp_ = area_.load_fp(stopped_, space_.shared().fp);
  return *fp_;
}

Result<void> SeccompContext::set_fp_state(std::span<const std::byte> bytes) {
  std::vector<std::byte> checked;
  if (!bytes.empty()) checked = TRY(checked_fp_state(space_.shared().fp, bytes));
  fp_ = std::move(checked);
  fp_replaced_ = true;
  return {};
}

void SeccompContext::kick() {
  if (kicks_.request()) process_.send(kick_signal());
}

void SeccompContext::kill() {
  if (kicks_.set_killed()) process_.kill();
}

}  // namespace runsc::seccomp
