#include "boot/boot_main.h"

#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <string>

#include "boot/base/log.h"
#include "boot/containers/containers.h"
#include "boot/controller/control_server.h"
#include "boot/debug/watchdog.h"
#include "boot/filter/boot_filter.h"
#include "boot/fs/devpts/host_consoles.h"
#include "boot/fs/register_all.h"
#include "boot/kernel/host_poller.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/timer_queue.h"
#include "boot/loader/container_config_json.h"
#include "boot/platform/seccomp/seccomp_platform.h"
#include "boot/socket/register_all.h"
#include "boot/startup_report.h"

namespace runsc {
namespace {

// How the first container ended, told to the main thread by the one on which it ended.
class ExitSignal {
 public:
  ExitSignal() : event_(::eventfd(0, EFD_CLOEXEC)) {}
  int fd() const { return event_.get(); }
  int status() const { return status_.load(std::memory_order_acquire); }
  void set(int status) {
    status_.store(status, std::memory_order_release);
    const std::uint64_t one = 1;
    if (::write(event_.get(), &one, sizeof one) < 0)
      LOG(ERROR) << "cannot report the exit: " << errno_name(last_errno());
  }

 private:
  UniqueFd event_;
  std::atomic<int> status_{0};
};

// The shell's rule: 128 + n for signal n.
int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// As many arenas as threads can run at once, instead of eight times as many: each keeps memory that only its threads
// use.
void limit_arenas() {
  cpu_set_t mask;
  const int processors = ::sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  ::mallopt(M_ARENA_MAX, std::clamp(processors, 1, 8));
}

// One start of one sandbox. The order of the members is the order in which they come to life.
class Boot {
 public:
  explicit Boot(BootOptions options) : options_(std::move(options)) {}

  int run() {
    for (bool (Boot::*step)() : {&Boot::read_config, &Boot::watch_terminal, &Boot::start_platform, &Boot::make_kernel,
                                 &Boot::make_sockets, &Boot::lock_down, &Boot::start_threads, &Boot::create_container})
      if (!(this->*step)()) return kBootFailure;
    return serve();
  }

 private:
  bool fail(const char* stage, const std::string& message) {
    report_failure(options_.report.get(), stage, message);
    return false;
  }

  bool read_config() {
    std::string why;
    Result<ContainerConfig> config = read_container_config(options_.config.get(), &why);
    if (!config.ok()) return fail("configuration", why);
    config_ = std::move(*config);
    options_.config.reset();
    return true;
  }

  // Who has the master changes its size and tells nobody but the host, which tells the process that the terminal
  // controls. Its end does not end us: the host spares the init of a pid namespace SIGHUP.
  bool watch_terminal() {
    consoles_ = std::make_shared<HostConsoles>();
    if (!config_.terminal) return true;
    const Result<void> watched = consoles_->watch_window_size(options_.stdio[0].get());
    return watched.ok() ? true : fail("terminal", errno_name(watched.error()));
  }

  // Before any thread exists and before the seccomp filter: the zygote is a clone of this process.
  bool start_platform() {
    std::string error;
    platform_ = make_seccomp_platform(error);
    return platform_ ? true : fail("platform", error);
  }

  bool make_kernel() {
    kernel_ = std::make_unique<Kernel>(*platform_, std::make_unique<TimerQueue>(), std::make_unique<HostPoller>());
    kernel_->host_processors = config_.host_processors;
    kernel_->trace_syscalls = config_.strace;
    kernel_->consoles = consoles_;
    services_ = std::make_shared<VfsServices>();
    const Result<void> registered = register_file_systems(*kernel_, *services_);
    if (!registered.ok()) return fail("file systems", errno_name(registered.error()));
    containers_.emplace(*kernel_, services_, [this](int status) { exit_.set(status); });
    return true;
  }

  bool make_sockets() {
    const Result<void> made = register_sockets(*kernel_, *services_, config_.sysctls, options_.proc.get());
    if (!made.ok()) return fail("sockets", errno_name(made.error()));
    return true;
  }

  // After the last thing that needs more: the platform.
  bool lock_down() {
    const Result<void> installed = install_boot_filter();
    return installed.ok() ? true : fail("seccomp", errno_name(installed.error()));
  }

  bool start_threads() {
    const Result<void> started = kernel_->timers().start();
    if (!started.ok()) return fail("threads", errno_name(started.error()));
    watchdog_.emplace(*kernel_);
    return true;
  }

  bool create_container() {
    ContainerFiles files;
    files.process.stdio = std::move(options_.stdio);
    files.process.extra = std::move(options_.preserved_fds);
    files.gofer_connections = std::move(options_.gofer_connections);
    files.overlay_stores = std::move(options_.overlay_stores);
    const auto failed = containers_->create_first(std::move(config_), std::move(files));
    return failed ? fail(failed->stage, failed->reason.message) : true;
  }

  int serve() {
    const int code = run_container();
    consoles_->drain();
    if (control_) control_->finish();
    return code;
  }

  int run_container() {
    // `create` waits for `start`.
    const bool waits = options_.start_gate.valid();
    if (!waits && !start()) return kBootFailure;
    report_started(options_.report.get());
    return wait_for_end();
  }

  // With the first client, which waits at the socket until then: most short runs have none, and it is a thread, an
  // event loop and their memory.
  bool serve_control() {
    control_.emplace(std::move(options_.control), *containers_);
    const Result<void> started = control_->start();
    return started.ok() ? true : fail("control", errno_name(started.error()));
  }

  bool start() {
    const auto started = containers_->start_container("");
    return started.ok() ? true : fail("load", started.failure().message);
  }

  // False: the sandbox is to end with `code`.
  bool pass_gate(int& code) {
    char byte = 0;
    const ssize_t count = ::read(options_.start_gate.get(), &byte, 1);
    if (count < 0 && errno == EINTR) return true;
    options_.start_gate.reset();
    if (count == 1 && start()) return true;
    code = count == 1 ? kBootFailure : 0;
    return false;
  }

  int wait_for_end() {
    // What only the start needed. Most sandboxes then sleep most of the time.
    ::malloc_trim(0);
    for (int code = 0;;) {
      // poll(2) skips negative descriptors: the gate once it is open, a front end that has let us go, the socket when
      // it is served.
      std::array<pollfd, 5> polled{{{exit_.fd(), POLLIN, 0},
                                    {containers_->gofer_events(), POLLIN, 0},
                                    {options_.start_gate.get(), POLLIN, 0},
                                    {released_ ? -1 : options_.report.get(), POLLIN, 0},
                                    {options_.control.get(), POLLIN, 0}}};
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return kBootFailure;
      // Before the exit: who comes in time is told the status.
      if (polled[4].revents != 0 && !serve_control()) return kBootFailure;
      if (polled[0].revents != 0) return exit_code(exit_.status());
      if (polled[1].revents != 0 && containers_->serve_gofers()) {
        fail("running", std::string(kGoferDied));
        return kBootFailure;
      }
      if (polled[3].revents != 0 && !heed_front_end()) return kBootFailure;
      if (polled[2].revents != 0 && !pass_gate(code)) return code;
    }
  }

  // False: the command that was making the container has been killed.
  bool heed_front_end() {
    const FrontEnd front_end = front_end_of(options_.report.get());
    released_ = front_end == FrontEnd::kReleasedUs;
    return front_end != FrontEnd::kGone;
  }

  BootOptions options_;
  ContainerConfig config_;
  ExitSignal exit_;
  std::shared_ptr<HostConsoles> consoles_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Kernel> kernel_;
  std::optional<Watchdog> watchdog_;
  VfsServicesPtr services_;
  std::optional<Containers> containers_;
  std::optional<ControlServer> control_;
  bool released_ = false;  // the sandbox lives without who started it
};

}  // namespace

void boot_main(BootOptions options) {
  limit_arenas();
  // Never destroyed: the threads of the kernel use it until the process ends, and its end takes every process of the
  // sandbox along (it is the init of their host pid namespace).
  auto* boot = new Boot(std::move(options));
  // Nor are static objects, of the logging library and ours, which they use as well.
  ::_exit(boot->run());
}

}  // namespace runsc
