#include "boot/platform/seccomp/context.h"

#include <linux/audit.h>
#include <linux/rseq.h>
#include <sched.h>
#include <sys/syscall.h>

#include <csignal>
#include <utility>

#include "boot/base/log.h"
#include "boot/platform/seccomp/address_space.h"
#include "boot/platform/seccomp/continuable.h"
#include "boot/platform/seccomp/start.h"
#include "boot/platform/seccomp/stub/stub.h"
#include "boot/platform/seccomp/zygote.h"

namespace runsc::seccomp {
namespace {

constexpr int kSysSeccomp = 1;  // si_code of SECCOMP_RET_TRAP
constexpr int kSiKernel = 0x80;
constexpr std::uint64_t kGeneralProtection = 13;
constexpr std::uint64_t kInt80ErrorCode = 0x80 * 8 + 2;  // the gate of the interrupt descriptor table
constexpr std::uint64_t kInt80Length = 2;

// The host would take these for its own restart codes when a signal is pending.
bool is_host_restart_code(std::int64_t value) { return value <= -512 && value >= -516; }

}  // namespace

// A stopped thread can serve the application again, unless the host would go on to write to its rseq area, or it may
// not run everywhere. Another one is killed; not on its way to its listener, though, which it could leave in the common
// descriptor table.
SeccompContext::~SeccompContext() {
  if (phase_ == Phase::kNew && !thread_.parked_at) await_listener(thread_.process, thread_.listener, ready_word());
  const bool unbound = (rseq_.address == 0 || rseq_left_) && processors_.load() == 0;
  if (phase_ == Phase::kStopped && unbound) thread_.parked_at = notification_.id;
  if (phase_ == Phase::kGone || kicks_.killed()) thread_.parked_at.reset();
  space_.give_back(std::move(thread_));
}

Event SeccompContext::gone(const char* reason) {
  if (reason != nullptr && !kicks_.killed())
    LOG(WARNING) << "application thread " << thread_.process.pid() << " is killed: " << reason;
  phase_ = Phase::kGone;
  const int signal = thread_.process.kill_and_tell();
  // The host could not use the rseq area.
  return {.signal = rseq_.address != 0 && signal == SIGSEGV ? SIGSEGV : 0};
}

bool SeccompContext::is_doorbell(const Notification& notification) const {
  return notification.data.nr == DOORBELL_NUMBER &&
         notification.data.instruction_pointer == stub_address(stub_doorbell);
}

bool SeccompContext::start() {
  if (!thread_.parked_at && !await_listener(thread_.process, thread_.listener, ready_word())) return false;
  if (kicks_.set_started()) return false;
  if (processors_.load() != 0) place();
  if (!thread_.parked_at) {
    const auto first = receive_first_doorbell(thread_.process, thread_.listener, stub_address(stub_start_doorbell));
    if (!first) return false;
    thread_.parked_at = first->id;
  }
  leave_kernel();
  thread_.listener.answer(*thread_.parked_at, 0);
  thread_.parked_at.reset();
  return true;
}

void SeccompContext::leave_kernel() {
  if (kicks_.enter_application()) thread_.process.send(kick_signal());
  phase_ = Phase::kRunning;
}

Event SeccompContext::wait() {
  if (phase_ == Phase::kGone) return {};
  if (kicked_while_stopped_) {
    kicked_while_stopped_ = false;
    return {.kind = Event::Kind::kKicked, .full = true};
  }
  if (phase_ == Phase::kNew && !start()) return gone("it did not start");
  const auto notification = thread_.listener.receive();
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
  auto loaded = thread_.area.load();
  if (!loaded) return false;
  stopped_ = *loaded;
  notification_ = notification;
  phase_ = Phase::kStopped;
  rseq_left_ = stopped_.signal == SIGSYS && static_cast<std::uint32_t>(stopped_.registers.rax) == SYS_exit;
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
  thread_.listener.answer(notification_.id, is_host_restart_code(value) ? -EINTR : value);
}

void SeccompContext::continue_natively() {
  if (phase_ != Phase::kSyscall) return;
  if (!may_continue(space_.shared().rules, notification_.data)) {
    LOG(DFATAL) << "refused to continue system call " << notification_.data.nr << " natively";
    return finish_syscall(-ENOMEM);
  }
  if (notification_.data.nr == SYS_rseq) note_rseq(notification_.data);
  leave_kernel();
  thread_.listener.answer_continue(notification_.id);
}

void SeccompContext::note_rseq(const seccomp_data& call) {
  const bool ends = (call.args[2] & RSEQ_FLAG_UNREGISTER) != 0;
  rseq_ =
      ends ? RseqArea{}
           : RseqArea{call.args[0], static_cast<std::uint32_t>(call.args[1]), static_cast<std::uint32_t>(call.args[3])};
  thread_.area.store_rseq(rseq_, ThreadArea::RseqState::kJoined);
}

void SeccompContext::resume() {
  if (phase_ != Phase::kStopped) return;
  if (kicks_.take_request()) {
    kicked_while_stopped_ = true;
    return;
  }
  const std::uint64_t fp = fp_replaced_ ? thread_.area.place_fp(*fp_) : stopped_.frame.context.fpstate;
  thread_.area.store(stopped_.registers, fp);
  if (rseq_left_) thread_.area.store_rseq(rseq_, ThreadArea::RseqState::kJoin);
  leave_kernel();
  thread_.listener.answer(notification_.id, 0);
}

// The signal is queued before the answer, so that its handler runs before the application's next instruction.
Result<void> SeccompContext::capture(std::int64_t value) {
  if (phase_ == Phase::kStopped) return {};
  if (phase_ != Phase::kSyscall) return Errno(EIO);
  thread_.process.send(kick_signal());
  thread_.listener.answer(notification_.id, 0);
  const auto notification = thread_.listener.receive();
  if (!notification || !is_doorbell(*notification) || !load_stopped(*notification)) {
    gone(notification ? "it did not stop when told to" : nullptr);
    return Errno(EIO);
  }
  kicks_.signal_arrived();
  stopped_.registers.rax = static_cast<std::uint64_t>(value);
  return {};
}

// By way of the stub's own syscall instruction, behind which stands a breakpoint: so the thread stops again at once.
Result<bool> SeccompContext::call_natively() {
  if (phase_ != Phase::kStopped) return Errno(EIO);
  const Registers before = stopped_.registers;
  stopped_.registers.rip = stub_address(stub_native_call);
  resume();
  if (std::exchange(kicked_while_stopped_, false)) {
    kicks_.request_again();
    stopped_.registers = before;
    return false;
  }
  for (;;) {
    const Event event = wait();
    if (event.kind == Event::Kind::kGone) return Errno(EIO);
    if (event.kind == Event::Kind::kSyscall && !event.full) {
      continue_natively();
      continue;
    }
    const Registers after = stopped_.registers;
    stopped_.registers = before;
    if (event.kind == Event::Kind::kKicked) kicks_.request_again();
    if (after.rip == stub_address(stub_native_call)) return false;
    stopped_.registers.rax = after.rax;
    // What arch_prctl(2) may have set.
    stopped_.registers.fs_base = after.fs_base;
    stopped_.registers.gs_base = after.gs_base;
    return true;
  }
}

std::span<const std::byte> SeccompContext::fp_state() const {
  if (!fp_) fp_ = thread_.area.load_fp(stopped_, space_.shared().fp);
  return *fp_;
}

Result<void> SeccompContext::set_fp_state(std::span<const std::byte> bytes) {
  std::vector<std::byte> checked;
  if (!bytes.empty()) checked = TRY(checked_fp_state(space_.shared().fp, bytes));
  fp_ = std::move(checked);
  fp_replaced_ = true;
  return {};
}

// A thread on its way to its listener sets its own processors; start() comes after that.
void SeccompContext::run_on(std::uint64_t processors) {
  processors_.store(processors);
  if (kicks_.started()) place();
}

void SeccompContext::place() const {
  const std::uint64_t processors = processors_.load();
  if (::sched_setaffinity(thread_.process.pid(), sizeof processors, reinterpret_cast<const cpu_set_t*>(&processors)) !=
      0)
    LOG(WARNING) << "thread " << thread_.process.pid() << " cannot be moved to the processors that it asked for";
}

void SeccompContext::kick() {
  if (kicks_.request()) thread_.process.send(kick_signal());
}

void SeccompContext::kill() {
  if (kicks_.set_killed()) thread_.process.kill();
}

}  // namespace runsc::seccomp
