#include "boot/fs/anon/signal_fd.h"

#include <sys/signalfd.h>

#include <algorithm>

#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

void put_value(signalfd_siginfo& to, std::uint64_t value) {
  to.ssi_ptr = value;
  to.ssi_int = static_cast<std::int32_t>(value);
}

void put_sender(signalfd_siginfo& to, const SignalInfo& from) {
  to.ssi_pid = from.sender_pid();
  to.ssi_uid = from.sender_uid();
}

// The fields that si_code and the signal say are there (signalfd_copyinfo() of Linux describes the same choice).
void put_fields(signalfd_siginfo& to, const SignalInfo& from) {
  if (from.code == SI_TIMER) {
    to.ssi_tid = from.get<std::int32_t>(0);
    to.ssi_overrun = from.get<std::int32_t>(4);
    return put_value(to, from.value());
  }
  if (from.code <= 0) {
    put_sender(to, from);
    if (from.code == SI_QUEUE || from.code == SI_MESGQ || from.code == SI_ASYNCIO) put_value(to, from.value());
    return;
  }
  if (from.code == SI_KERNEL) return;
  switch (from.signo) {
    case SIGCHLD:
      put_sender(to, from);
      to.ssi_status = from.get<std::int32_t>(8);
      to.ssi_utime = from.get<std::uint64_t>(16);
      to.ssi_stime = from.get<std::uint64_t>(24);
      return;
    case SIGPOLL:
      to.ssi_band = static_cast<std::uint32_t>(from.get<std::int64_t>(0));
      to.ssi_fd = from.get<std::int32_t>(8);
      return;
    case SIGSYS:
      to.ssi_call_addr = from.get<std::uint64_t>(0);
      to.ssi_syscall = from.get<std::int32_t>(8);
      to.ssi_arch = from.get<std::uint32_t>(12);
      return;
    default:
      to.ssi_addr = from.get<std::uint64_t>(0);
  }
}

signalfd_siginfo to_record(const SignalInfo& info) {
  signalfd_siginfo record{};
  record.ssi_signo = info.signo;
  record.ssi_errno = info.error;
  record.ssi_code = info.code;
  put_fields(record, info);
  return record;
}

}  // namespace

SignalFd::SignalFd(SignalSet wanted, int flags)
    : AnonFile("signalfd", OpenFlags{O_RDWR | (flags & SFD_NONBLOCK)}), wanted_((wanted & ~kUnblockable).bits()) {}

SignalFd::~SignalFd() = default;

void SignalFd::set_wanted(SignalSet wanted) {
  wanted_.store((wanted & ~kUnblockable).bits(), std::memory_order_release);
  waiters_.notify(POLLIN | POLLRDNORM);
}

Result<std::size_t> SignalFd::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (sink.remaining() < sizeof(signalfd_siginfo)) return Errno(EINVAL);
  Task* task = task_of_this_thread();
  if (task == nullptr) return Errno(EAGAIN);
  std::size_t done = 0;
  while (sink.remaining() >= sizeof(signalfd_siginfo)) {
    std::optional<SignalInfo> info;
    {
      auto tree = task->kernel().tasks().lock();
      info = dequeue_signal(*tree, *task, SignalSet(wanted_.load(std::memory_order_acquire)));
    }
    if (!info) break;
    const auto put = put_object(sink, to_record(*info));
    if (!put.ok()) return done != 0 ? Result<std::size_t>(done) : put;
    done += *put;
  }
  return done != 0 ? Result<std::size_t>(done) : Errno(EAGAIN);
}

EventMask SignalFd::readiness(EventMask) {
  Task* task = task_of_this_thread();
  if (task == nullptr) return 0;
  auto tree = task->kernel().tasks().lock();
  const SignalSet pending = task->signals(*tree).pending.set() | task->group()->links(*tree).pending.set();
  return (pending & SignalSet(wanted_.load(std::memory_order_acquire))).empty() ? 0 : POLLIN | POLLRDNORM;
}

WaitQueue* SignalFd::wait_queue() {
  Task* task = task_of_this_thread();
  if (task == nullptr) return &waiters_;
  std::vector<std::unique_ptr<Source>> ended;  // released without the lock
  auto sources = sources_.lock();
  for (auto& source : *sources) {
    if (source->task().get() == task) return &waiters_;
    if (source->task()->state() == TaskState::kZombie) ended.push_back(std::move(source));
  }
  std::erase(*sources, nullptr);
  sources->push_back(std::make_unique<Source>(task->shared_from_this(), waiters_));
  sources.unlock();
  return &waiters_;
}

}  // namespace runsc
