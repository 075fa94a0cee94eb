#include "boot/boot_main.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include "boot/base/log.h"
#include "boot/controller/control_socket.h"
#include "boot/debug/stacks.h"
#include "boot/filter/boot_filter.h"
#include "boot/fs/devpts/host_consoles.h"
#include "boot/fs/register_all.h"
#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/host_poller.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/timer_queue.h"
#include "boot/loader/container/first_task.h"
#include "boot/loader/container/mounts.h"
#include "boot/loader/container/sysctls.h"
#include "boot/loader/container_config_json.h"
#include "boot/platform/seccomp/seccomp_platform.h"
#include "boot/socket/services.h"
#include "boot/socket/unix/unix_socket.h"
#include "boot/startup_report.h"

namespace runsc {
namespace {

// How the first process ended, told to the main thread by the one on which it ended.
class ExitSignal {
 public:
  ExitSignal() : event_(::eventfd(0, EFD_CLOEXEC)) {}
  int fd() const { return event_.get(); }
  int status() const { return status_.load(std::memory_order_acquire); }
  void set(int status) {
    status_.store(status, std::memory_order_release);
    const std::uint64_t one = 1;
    if (::write(event_.get(), &one, sizeof one) < 0) LOG(ERROR) << "cannot report the exit: " << errno_name(last_errno());
  }

 private:
  UniqueFd event_;
  std::atomic<int> status_{0};
};

// The shell's rule: 128 + n for signal n.
int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

class Controller : public ControlHandler {
 public:
  Controller(Kernel& kernel, ThreadGroupPtr init) : kernel_(kernel), init_(std::move(init)) {}

  Result<void> signal(int signal, bool all) override {
    auto tree = kernel_.tasks().lock();
    if (!all) {
      if (init_->ended()) return Errno(ESRCH);
      return send_signal_to_group(*tree, *init_, kernel_signal(signal));
    }
    for (Task* task : kernel_.root_pid_namespace()->tasks(*tree))
      if (task->group()->links(*tree).leader == task)
        TRY(send_signal_to_group(*tree, *task->group(), kernel_signal(signal)));
    return {};
  }

  void resize() override { kernel_.consoles->copy_window_sizes(); }

  std::string stacks() override { return describe_tasks(kernel_); }

 private:
  Kernel& kernel_;
  ThreadGroupPtr init_;
};

// One start of one sandbox. The order of the members is the order in which they come to life.
class Boot {
 public:
  explicit Boot(BootOptions options) : options_(std::move(options)) {}

  int run() {
    for (bool (Boot::*step)() : {&Boot::read_config, &Boot::watch_terminal, &Boot::start_platform, &Boot::make_kernel, &Boot::watch_gofers,
                                 &Boot::lock_down, &Boot::start_threads, &Boot::mount, &Boot::load, &Boot::pass_gate})
      if (!(this->*step)()) return gate_closed_ ? 0 : kBootFailure;
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
    kernel_->trace_syscalls = config_.strace;
    if (config_.pids_limit && *config_.pids_limit > 0) kernel_->max_tasks = static_cast<std::size_t>(*config_.pids_limit);
    kernel_->on_orphan_exit = [this](ThreadGroup& group, int status) {
      if (group.pid() == Pid{1}) exit_.set(status);
    };
    kernel_->consoles = consoles_;
    kernel_->ipc = std::make_shared<IpcNamespace>();
    kernel_->sockets = std::make_shared<SocketServices>();
    kernel_->sockets->add(AF_UNIX, unix_family());
    services_ = std::make_shared<VfsServices>();
    const Result<void> registered = register_file_systems(*kernel_, *services_);
    return registered.ok() ? true : fail("file systems", errno_name(registered.error()));
  }

  // The connections themselves move into the file systems; what is kept only hears of hang-ups.
  bool watch_gofers() {
    for (const UniqueFd& connection : options_.gofer_connections) {
      UniqueFd copy(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
      if (!copy.valid()) return fail("gofer", errno_name(last_errno()));
      gofers_.push_back(std::move(copy));
    }
    return true;
  }

  // After the last thing that needs more: the platform.
  bool lock_down() {
    const Result<void> installed = install_boot_filter();
    return installed.ok() ? true : fail("seccomp", errno_name(installed.error()));
  }

  bool start_threads() {
    for (const Result<void>& started : {kernel_->timers().start(), kernel_->host_poller().start()})
      if (!started.ok()) return fail("threads", errno_name(started.error()));
    return true;
  }

  bool mount() {
    StartStatus failure = set_sysctls(config_, *services_);
    if (failure) return fail("sysctl", failure->message);
    mounts_ = mount_container(config_, {options_.gofer_connections, options_.overlay_stores, services_}, failure);
    return mounts_ ? true : fail("mount", failure->message);
  }

  bool load() {
    StartStatus failure;
    first_ = make_first_task(*kernel_, config_, mounts_, std::move(options_.stdio), failure);
    if (!first_) return fail("load", failure->message);
    init_ = first_->task().group();
    return true;
  }

  // `create` waits here for `start`.
  bool pass_gate() {
    if (!options_.start_gate.valid()) return true;
    report_started(options_.report.get());
    char byte = 0;
    ssize_t count = 0;
    do count = ::read(options_.start_gate.get(), &byte, 1);
    while (count < 0 && errno == EINTR);
    gate_closed_ = count != 1;
    return !gate_closed_;
  }

  int serve() {
    Controller controller(*kernel_, init_);
    std::optional<ControlSocket> control;
    std::thread control_thread;
    if (options_.control.valid()) {
      control.emplace(std::move(options_.control), controller);
      control_thread = std::thread([&] { control->run(); });
    }
    if (!options_.start_gate.valid()) report_started(options_.report.get());
    kernel_->start(std::move(first_));
    const int code = wait_for_end();
    kernel_->consoles->drain();
    if (control) control->stop();
    if (control_thread.joinable()) control_thread.join();
    return code;
  }

  int wait_for_end() {
    std::vector<pollfd> polled{{exit_.fd(), POLLIN, 0}};
    for (const UniqueFd& gofer : gofers_) polled.push_back({gofer.get(), POLLRDHUP, 0});
    for (;;) {
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return kBootFailure;
      if (polled.front().revents != 0) return exit_code(exit_.status());
      for (std::size_t i = 1; i < polled.size(); ++i) {
        if (polled[i].revents == 0) continue;
        fail("running", "the gofer process has died");
        return kBootFailure;
      }
    }
  }

  BootOptions options_;
  ContainerConfig config_;
  ExitSignal exit_;
  std::shared_ptr<HostConsoles> consoles_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Kernel> kernel_;
  VfsServicesPtr services_;
  std::vector<UniqueFd> gofers_;
  MountNamespacePtr mounts_;
  std::unique_ptr<CurrentTask> first_;
  ThreadGroupPtr init_;
  bool gate_closed_ = false;
};

}  // namespace

int boot_main(BootOptions options) {
  // Never destroyed: the threads of the kernel use it until the process ends, and its end takes every process of the
  // sandbox along (it is the init of their host pid namespace).
  auto* boot = new Boot(std::move(options));
  return boot->run();
}

}  // namespace runsc
