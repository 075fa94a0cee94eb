#include "boot/platform/seccomp/worker.h"

#include <fcntl.h>

#include "boot/base/host_call.h"
#include "boot/platform/seccomp/start.h"
#include "boot/platform/seccomp/stub/stub.h"

namespace runsc::seccomp {
namespace {

constexpr std::int64_t kMaxErrno = 4095;

}  // namespace

Result<Worker> Worker::start(Agent& agent, int text) {
  UniqueFd reserved_fd(TRY(HOST_CALL(fcntl(text, F_DUPFD_CLOEXEC, 0))));
  Process process = TRY(agent.start_worker(reserved_fd.get()));
  Worker worker(std::move(process), Listener(std::move(reserved_fd)));
  if (!await_listener(worker.process_, worker.listener_, agent.slot().scratch().worker_ready)) return Errno(EIO);
  const auto first = receive_first_doorbell(worker.process_, worker.listener_, stub_address(stub_worker_doorbell));
  if (!first) return Errno(EIO);
  worker.doorbell_ = first->id;
  return worker;
}

Result<std::int64_t> Worker::call(const Slot& slot, long number, const Agent::Args& args) {
  WorkerCommand& command = slot.worker_command();
  command.number = static_cast<std::uint64_t>(number);
  command.args = args;
  listener_.answer(doorbell_, 0);
  const auto next = listener_.receive();
  if (!next) return Errno(EIO);
  doorbell_ = next->id;
  const auto value = static_cast<std::int64_t>(next->data.args[0]);
  if (value < 0 && value >= -kMaxErrno) return Errno(static_cast<int>(-value));
  return value;
}

}  // namespace runsc::seccomp
