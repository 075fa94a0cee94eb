#include "gofer/server/gofer.h"

#include <fcntl.h>
#include <malloc.h>
#include <semaphore.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <thread>

#include "boot/base/host_call.h"
#include "boot/base/log.h"
#include "boot/base/time_slice.h"
#include "gofer/server/serve.h"

namespace runsc::gofer {
namespace {

struct Connection {
  PacketSocket socket;
  std::unique_ptr<Session> session;
};

// Descriptors that are not handles: stdio, log, sockets, roots, those open for one request, directory streams.
constexpr std::uint64_t kReservedDescriptors = 64;
// A handle number costs the table 40 bytes.
constexpr std::uint64_t kMostHandles = 1 << 20;

Result<std::uint32_t> handles_for_each(std::size_t mounts) {
  rlimit limit{};
  TRY(HOST_CALL(::getrlimit(RLIMIT_NOFILE, &limit)));
  limit.rlim_cur = limit.rlim_max;
  TRY(HOST_CALL(::setrlimit(RLIMIT_NOFILE, &limit)));
  const std::uint64_t reserved = kReservedDescriptors + 4 * mounts;
  if (limit.rlim_cur <= reserved) return Errno(EMFILE);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>((limit.rlim_cur - reserved) / mounts, kMostHandles));
}

void ignore_signals() {
  // Written-to sockets and logs may be closed; a truncate past RLIMIT_FSIZE is the peer's error, EFBIG.
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

// What libraries do now and then, and what the filter will forbid: the allocator's further arenas read files below
// /proc/sys and /sys when they grow and shrink, so there is only the first one; log lines need the time zone; the first
// exception may load the unwinder, but not in a program without a dynamic linker (a release), where it would only touch
// half a MiB of tables.
void prepare_libraries() {
  ::mallopt(M_ARENA_MAX, 1);
  ::tzset();
  if (::getauxval(AT_BASE) == 0) return;
  alignas(8) const std::array<std::byte, 8> garbage{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
  Request ignored;
  if (decode(garbage, ignored).ok()) LOG(WARNING) << "garbage is a message";
}

Result<std::vector<Connection>> make_connections(std::vector<GoferMount> mounts, int proc_self_fd,
                                                 std::uint32_t max_handles) {
  std::vector<Connection> connections;
  for (GoferMount& mount : mounts) {
    SessionConfig config{std::move(mount.root), proc_self_fd, mount.policy, max_handles};
    auto session = TRY(Session::create(std::move(config)));
    connections.push_back({PacketSocket(std::move(mount.socket)), std::move(session)});
  }
  return connections;
}

// Where the threads wait until they are confined. Of semaphores: they call the host's futex and nothing else, where a
// std::latch calls sched_yield, which the filter may forbid by then, and a condition variable wakes its waiters twice.
class StartGate {
 public:
  enum class State { kClosed, kOpen, kCancelled };

  StartGate() {
    ::sem_init(&arrived_, 0, 0);
    ::sem_init(&opened_, 0, 0);
  }
  StartGate(const StartGate&) = delete;
  StartGate& operator=(const StartGate&) = delete;

  // Whether to go on.
  bool wait() {
    ::sem_post(&arrived_);
    wait_for(opened_);
    return state_ == State::kOpen;
  }
  void wait_for(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) wait_for(arrived_);
  }
  void set(State state, std::size_t threads) {
    state_ = state;
    for (std::size_t i = 0; i < threads; ++i) ::sem_post(&opened_);
  }

 private:
  static void wait_for(sem_t& semaphore) {
    while (::sem_wait(&semaphore) != 0) {
    }
  }

  sem_t arrived_, opened_;
  State state_ = State::kClosed;
};

void serve(Connection& connection) {
  serve_connection(std::move(connection.socket), *connection.session);
  connection.session.reset();  // its handles: descriptors are shared with the connections that go on
}

// One thread for each connection, so that a slow or stuck one does not hold up the others: this one for the first. The
// threads exist before the filter: it then needs no call that makes one.
Result<void> serve_all(std::vector<Connection> connections, const std::function<Result<void>()>& confine) {
  StartGate gate;
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < connections.size(); ++i)
    threads.emplace_back([&connection = connections[i], &gate] {
      if (gate.wait()) serve(connection);
    });
  gate.wait_for(threads.size());
  ::malloc_trim(0);  // what the start has left
  const Result<void> result = confine();
  gate.set(result.ok() ? StartGate::State::kOpen : StartGate::State::kCancelled, threads.size());
  if (result.ok()) serve(connections.front());
  threads.clear();  // joins
  return result;
}

Result<void> run(std::vector<GoferMount> mounts, GoferOptions options) {
  if (mounts.empty()) return Errno(EINVAL);
  ignore_signals();
  ask_for_short_time_slices();  // a task waits for every answer
  if (!options.proc_self_fd.valid()) options.proc_self_fd = TRY(open_proc_self_fd());
  const int proc_self_fd = options.proc_self_fd.get();
  TRY(prepare_thread(proc_self_fd));
  if (options.max_handles == 0) options.max_handles = TRY(handles_for_each(mounts.size()));
  prepare_libraries();
  std::vector<Connection> connections = TRY(make_connections(std::move(mounts), proc_self_fd, options.max_handles));
  return serve_all(std::move(connections), [&]() -> Result<void> {
    if (!options.install_filter) return {};
    return options.install_filter(proc_self_fd);
  });
}

}  // namespace

Result<UniqueFd> open_proc_self_fd() {
  return own_fd(HOST_CALL(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)).value_or(-1));
}

Result<void> prepare_thread(int proc_self_fd) {
  ::umask(0);
  TRY(HOST_CALL(::fchdir(proc_self_fd)));
  return {};
}

int run_gofer(std::vector<GoferMount> mounts, GoferOptions options) {
  const Result<void> result = run(std::move(mounts), std::move(options));
  if (result.ok()) return 0;
  LOG(ERROR) << "gofer: cannot start: " << errno_name(result.error());
  return 1;
}

}  // namespace runsc::gofer
