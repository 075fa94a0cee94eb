#include "sandbox/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "boot/startup_report.h"
#include "runsc/common/user_error.h"
#include "sandbox/clone_child.h"
#include "sandbox/reports.h"

namespace runsc {

// Where the child stands, readable by the parent even when the child dies without a word.
struct SpawnedProcess::Progress {
  std::atomic<std::size_t> step{0};  // 0: before the first; n: in step n - 1; beyond the last: executed
};

namespace {

constexpr int kSetupFailed = 127;

UniqueFd open_own_program() {
  UniqueFd program(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!program) throw_system_error("open /proc/self/exe");
  struct stat status {};
  if (::fstat(program.get(), &status) != 0) throw_system_error("stat /proc/self/exe");
  if ((status.st_mode & (S_IXOTH | S_IROTH)) == (S_IXOTH | S_IROTH)) return program;
  // The boot process is nobody when it executes the program: a file that others may not execute is copied.
  UniqueFd copy(::memfd_create("runsc", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) throw_system_error("memfd_create");
  off_t offset = 0;
  while (offset < status.st_size) {
    if (::sendfile(copy.get(), program.get(), &offset, static_cast<std::size_t>(status.st_size - offset)) <= 0) {
      throw_system_error("copy the program");
    }
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    throw_system_error("seal the program's copy");
  }
  // A descriptor for writing would make the execution fail with ETXTBSY.
  const std::string path = "/proc/self/fd/" + std::to_string(copy.get());
  UniqueFd readable(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable) throw_system_error("open the program's copy");
  return readable;
}

void write_file(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw_system_error("write " + path);
  }
}

std::string map_text(const std::vector<IdMapping>& mappings) {
  std::string out;
  for (const IdMapping& mapping : mappings) {
    out += std::to_string(mapping.container) + " " + std::to_string(mapping.host) + " " + std::to_string(mapping.size) +
           "\n";
  }
  return out;
}

void write_id_maps(pid_t pid, const IdMaps& maps) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/";
  write_file(directory + "uid_map", map_text(maps.uids));
  if (maps.deny_setgroups) write_file(directory + "setgroups", "deny");
  write_file(directory + "gid_map", map_text(maps.gids));
}

void wait_for_gate(int gate) {
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(gate, &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1) ::_exit(kSetupFailed);  // the parent has given up
}

// Set at the end, since a change of credentials clears it; a parent that died before is seen at the gate's other end.
void tie_to_parent(int gate) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) throw_system_error("set the parent-death signal");
  pollfd other_end{.fd = gate, .events = POLLIN, .revents = 0};
  if (::poll(&other_end, 1, 0) > 0 && (other_end.revents & (POLLHUP | POLLIN)) != 0) ::_exit(kSetupFailed);
}

// Replaces the child by the new program. `placed` is called when the descriptors have their final numbers.
[[noreturn]] void execute(const SpawnRequest& request, int program, const std::function<void()>& placed) {
  std::vector<std::string> words = {"runsc", request.name, request.donation.argument()};
  words.insert(words.end(), request.arguments.begin(), request.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* empty_environment[] = {nullptr};
  const int placed_program = request.donation.place(program);
  placed();
  ::syscall(SYS_execveat, placed_program, "", argv.data(), empty_environment, AT_EMPTY_PATH);
  throw_system_error("execute the program");
}

struct ChildEnds {
  int gate;
  int report;
  int placed_report;
  int program;
};

template <typename Progress>
[[noreturn]] void run_child(SpawnRequest& request, const ChildEnds& ends, Progress& progress) {
  const char* stage = "start";
  int report = ends.report;
  try {
    reset_signals(SIG_IGN);
    if (request.cgroups != nullptr) {
      stage = "cgroup";
      request.cgroups->enter();
    }
    if (::write(ends.gate, "p", 1) != 1) ::_exit(kSetupFailed);
    wait_for_gate(ends.gate);
    for (const Step& step : request.steps) {
      stage = step.name;
      progress.step.fetch_add(1);
      step.run(request.donation);
    }
    stage = "execute";
    progress.step.fetch_add(1);
    if (request.die_with_parent) tie_to_parent(ends.gate);
    execute(request, ends.program, [&] { report = ends.placed_report; });
  } catch (const std::exception& error) {
    report_failure(report, stage, error.what());
  }
  ::_exit(kSetupFailed);
}

struct Pair {
  UniqueFd first;
  UniqueFd second;
};

Pair make_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw_system_error("socketpair");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// By user_namespaces(7).
[[noreturn]] void throw_clone_error(const SpawnRequest& request) {
  const int error = errno;
  std::string what = "clone the " + request.name + " process";
  if ((request.namespaces & CLONE_NEWUSER) != 0 && (error == EPERM || error == ENOSPC || error == EUSERS)) {
    what += " (does this host allow user namespaces? sysctl user.max_user_namespaces, ";
    what += "kernel.unprivileged_userns_clone; none can be made in a chroot: use pivot_root)";
  }
  throw_system_error(what, error);
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return std::to_string(signal) + (name == nullptr ? "" : std::string(" (SIG") + name + ")");
}

}  // namespace

// By the host call: glibc refuses to touch the two signals that its threads use, and a caller may have ignored those
// too.
void reset_signals(void (*broken_pipe)(int)) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
  } action{SIG_DFL, 0, nullptr, 0};
  for (int signal = 1; signal < _NSIG; ++signal) {
    action.handler = signal == SIGPIPE ? broken_pipe : SIG_DFL;
    ::syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof(action.mask));
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

SpawnedProcess spawn(const SpawnRequest& original) {
  SpawnRequest request = original;
  SpawnedProcess process;
  process.name_ = request.name;
  void* shared =
      ::mmap(nullptr, sizeof(SpawnedProcess::Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw_system_error("mmap");
  process.progress_ = new (shared) SpawnedProcess::Progress();
  for (const Step& step : request.steps) process.step_names_.push_back(step.name);

  Pair report = make_socket_pair();
  Pair gate = make_socket_pair();
  const UniqueFd program = open_own_program();
  const int placed_report = request.donation.add("report", report.second.get());
  int pidfd = -1;
  process.pid_ = clone_child(request, &pidfd);
  if (process.pid_ < 0) throw_clone_error(request);
  if (process.pid_ == 0) {
    gate.first.reset();
    report.first.reset();
    run_child(request, {gate.second.get(), report.second.get(), placed_report, program.get()}, *process.progress_);
  }
  process.pidfd_ = UniqueFd(pidfd);
  process.report_ = std::move(report.first);
  process.gate_ = std::move(gate.first);
  if ((request.namespaces & CLONE_NEWUSER) != 0) write_id_maps(process.pid_, request.id_maps);
  return process;
}

SpawnedProcess::SpawnedProcess(SpawnedProcess&& other) noexcept { *this = std::move(other); }

SpawnedProcess& SpawnedProcess::operator=(SpawnedProcess&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(report_, other.report_);
  std::swap(gate_, other.gate_);
  std::swap(progress_, other.progress_);
  std::swap(step_names_, other.step_names_);
  std::swap(reaped_, other.reaped_);
  std::swap(status_, other.status_);
  return *this;
}

SpawnedProcess::~SpawnedProcess() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  if (progress_ != nullptr) ::munmap(progress_, sizeof(Progress));
}

void SpawnedProcess::throw_early_end() {
  const std::string end = describe_status(wait());
  const auto report = ReportReader(report_.get()).next();
  if (report) throw UserError(failure(report));
  throw UserError(name_ + " process: " + end + " before its first step");
}

void SpawnedProcess::wait_until_placed() {
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(gate_.get(), &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1) throw_early_end();
}

void SpawnedProcess::go() {
  if (::send(gate_.get(), "g", 1, MSG_NOSIGNAL) != 1) throw_early_end();
}

std::string SpawnedProcess::stage() const {
  const std::size_t step = progress_->step.load();
  if (step == 0) return "start";
  return step <= step_names_.size() ? step_names_[step - 1] : "run";
}

void SpawnedProcess::kill() noexcept {
  if (pid_ > 0 && !reaped_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

bool SpawnedProcess::exited(int milliseconds) const {
  if (reaped_) return true;
  pollfd entry{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, milliseconds) > 0;
}

std::string SpawnedProcess::failure(const std::optional<Report>& report) {
  const bool ended = exited();
  kill();
  const int status = wait();
  if (report && !report->message.empty()) {
    // An error at the application's doorstep is the caller's own: no need to say which process found it.
    if (report->stage == "load") return report->message;
    return name_ + " process: " + report->stage + ": " + report->message;
  }
  const std::string end = ended ? describe_status(status) : std::string("closed its report channel");
  return name_ + " process " + end + " at stage \"" + stage() + "\"";
}

int SpawnedProcess::wait() {
  while (!reaped_) {
    const pid_t result = ::waitpid(pid_, &status_, 0);
    if (result < 0 && errno == EINTR) continue;
    reaped_ = true;
  }
  return status_;
}

void SpawnedProcess::release() noexcept {
  ::send(report_.get(), &kReleased, 1, MSG_NOSIGNAL);
  pid_ = -1;
  pidfd_.reset();
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return "killed by signal " + signal_name(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace runsc
