#include "boot/containers/containers_fixture_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "boot/fs/devpts/host_consoles.h"
#include "boot/fs/register_all.h"
#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/kernel/host_poller.h"
#include "boot/kernel/timer_queue.h"
#include "boot/memory/memory_file.h"
#include "boot/platform/seccomp/seccomp_platform.h"
#include "boot/socket/services.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

constexpr const char* kBusybox = "/bin/busybox";
constexpr const char* kRootSource = "root with busybox";

std::string read_host_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

WalkContext root_of(MountNamespace& mounts) {
  WalkContext context;
  context.root = context.cwd = mounts.root_path();
  context.credentials = root_credentials();
  context.services = &mounts.services();
  return context;
}

Result<void> write_file(const WalkContext& context, const std::string& path, const std::string& content, int mode) {
  const FilePtr file = TRY(open_path(context, {context.root, 0}, path, OpenFlags(O_CREAT | O_WRONLY), mode));
  BufferSource source(std::as_bytes(std::span(content)));
  while (source.remaining() != 0) TRY(file->write(source, std::nullopt, 0));
  return {};
}

Result<FileSystemPtr> make_root(const VfsServicesPtr& services) {
  static const std::string busybox = read_host_file(kBusybox);
  FileSystemPtr made = TmpfsFileSystem::create(TRY(MemoryFile::create()), TmpfsOptions{});
  MountNamespace mounts(made, 0, "", services);
  const WalkContext context = root_of(mounts);
  for (const char* directory : {"/bin", "/dev", "/proc", "/etc", "/tmp"})
    TRY(make_directory(context, {context.root, 0}, directory, 0755));
  TRY(write_file(context, kBusybox, busybox, 0755));
  TRY(write_file(context, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nsomebody:x:7:8::/home/somebody:/bin/sh\n",
                 0644));
  TRY(write_file(context, "/etc/not-executable", "", 0644));
  return made;
}

std::array<UniqueFd, 2> make_pipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<UniqueFd> make_stdio(Printed* printed) {
  std::vector<UniqueFd> stdio;
  stdio.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (printed == nullptr) {
    for (int i = 0; i < 2; ++i) stdio.emplace_back(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    return stdio;
  }
  auto [read_end, write_end] = make_pipe();
  stdio.emplace_back(::fcntl(write_end.get(), F_DUPFD_CLOEXEC, 0));
  stdio.push_back(std::move(write_end));
  printed->output = std::move(read_end);
  return stdio;
}

}  // namespace

std::string Printed::read_all() const {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = ::read(output.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

std::string Printed::read_line() const {
  std::string line;
  for (char c; ::read(output.get(), &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

ContainersTest::ContainersTest() {
  ::signal(SIGPIPE, SIG_IGN);  // the host spares it the boot process, the init of a pid namespace
  descriptors_before_ = open_descriptors();
  std::string error;
  platform_ = make_seccomp_platform(error);
  EXPECT_TRUE(platform_) << error;
  kernel_ = std::make_unique<Kernel>(*platform_, std::make_unique<TimerQueue>(), std::make_unique<HostPoller>());
  kernel_->consoles = std::make_shared<HostConsoles>();
  kernel_->sockets = std::make_shared<SocketServices>();
  services_ = std::make_shared<VfsServices>();
  EXPECT_TRUE(register_file_systems(*kernel_, *services_).ok());
  services_->file_systems.add(
      "tmpfs", true,
      [weak = std::weak_ptr(services_)](CurrentTask*, const MountRequest& request) -> Result<FileSystemPtr> {
        if (request.source == kRootSource) return make_root(weak.lock());
        return FileSystemPtr(TmpfsFileSystem::create(TRY(MemoryFile::create()), TmpfsOptions{}));
      });
  EXPECT_TRUE(kernel_->timers().start().ok());
  containers_ = std::make_unique<Containers>(*kernel_, services_, [this](int status) { first_end_.set_value(status); });
}

ContainersTest::~ContainersTest() {
  const auto infos = containers_->containers();
  for (const control::ContainerInfo& info : *infos) {
    if (info.id == "first") continue;
    EXPECT_TRUE(containers_->destroy_container(info.id).ok()) << info.id;
  }
  if (has_first_) {
    kill("first");
    first_ended_.wait();
    (void)containers_->signal("first", {control::SignalTarget::Kind::kAll, 0}, SIGKILL);
  }
  kernel_->join();
  EXPECT_EQ(tasks(), 0u);
  containers_.reset();
  services_.reset();
  kernel_.reset();
  platform_.reset();
  EXPECT_EQ(host_children(), 0);
  EXPECT_EQ(open_descriptors(), descriptors_before_);
}

ProcessConfig ContainersTest::process(const std::vector<std::string>& args) {
  ProcessConfig config;
  config.args = args;
  config.env = {"PATH=/nowhere:/bin"};
  config.cwd = "/";
  config.capabilities.bounding = config.capabilities.permitted = config.capabilities.effective = ~0ULL >> 23;
  return config;
}

ContainerConfig ContainersTest::script(const std::string& id, const std::string& text) {
  ContainerConfig config;
  static_cast<ProcessConfig&>(config) = process({"busybox", "sh", "-c", text});
  config.id = id;
  config.hostname = id + "-host";
  config.mounts = {{.destination = "/", .type = MountType::kTmpfs, .source = kRootSource, .data = {}},
                   {.destination = "/dev", .type = MountType::kDev, .source = "tmpfs", .data = {}},
                   {.destination = "/proc", .type = MountType::kProc, .source = "proc", .data = {}}};
  return config;
}

Printed ContainersTest::start_first(const std::string& text) { return start_first(script("first", text)); }

Printed ContainersTest::start_first(ContainerConfig config) {
  Printed printed;
  ContainerFiles files;
  std::vector<UniqueFd> stdio = make_stdio(&printed);
  std::move(stdio.begin(), stdio.end(), files.process.stdio.begin());
  const auto failed = containers_->create_first(std::move(config), std::move(files));
  EXPECT_FALSE(failed) << failed->reason.message;
  has_first_ = true;
  const auto started = containers_->start_container("");
  EXPECT_TRUE(started.ok()) << started.failure().message;
  return printed;
}

control::Outcome<void> ContainersTest::create(ContainerConfig config, Printed* printed,
                                              std::vector<UniqueFd> gofer_connections) {
  control::CreateRequest request;
  request.config = std::move(config);
  request.stdio = make_stdio(printed);
  request.gofer_connections = std::move(gofer_connections);
  const auto created = containers_->create_container(std::move(request));
  if (!created.ok()) return created.failure();
  return {};
}

Printed ContainersTest::start(ContainerConfig config) {
  Printed printed;
  const std::string id = config.id;
  const auto created = create(std::move(config), &printed);
  EXPECT_TRUE(created.ok()) << created.failure().message;
  const auto started = containers_->start_container(id);
  EXPECT_TRUE(started.ok()) << started.failure().message;
  return printed;
}

control::Outcome<int> ContainersTest::exec(const std::string& id, ProcessConfig config, Printed* printed) {
  control::ExecRequest request;
  request.container = id;
  request.process = std::move(config);
  request.stdio = make_stdio(printed);
  return containers_->exec(std::move(request));
}

control::Outcome<int> ContainersTest::status_of(const std::string& id) {
  std::promise<control::Outcome<int>> promise;
  auto future = promise.get_future();
  const auto subscription =
      containers_->wait_container(id, [&](control::Outcome<int> status) { promise.set_value(std::move(status)); });
  return future.get();
}

control::Outcome<int> ContainersTest::status_of(const std::string& id, int pid) {
  std::promise<control::Outcome<int>> promise;
  auto future = promise.get_future();
  const auto subscription =
      containers_->wait_process(id, pid, [&](control::Outcome<int> status) { promise.set_value(std::move(status)); });
  return future.get();
}

void ContainersTest::kill(const std::string& id, int signal) {
  (void)containers_->signal(id, {control::SignalTarget::Kind::kInit, 0}, signal);
}

std::size_t ContainersTest::tasks() { return kernel_->tasks().lock()->task_count; }

int ContainersTest::open_descriptors() {
  int count = 0;
  DIR* const directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

int ContainersTest::host_children() {
  int count = 0;
  DIR* const directory = ::opendir("/proc");
  while (const dirent* entry = ::readdir(directory)) {
    std::ifstream stat(std::string("/proc/") + entry->d_name + "/stat");
    std::string line;
    if (!std::getline(stat, line)) continue;
    const std::size_t end = line.rfind(')');
    if (end == std::string::npos || line.size() < end + 4) continue;
    count += std::atoi(line.c_str() + end + 4) == ::getpid();
  }
  ::closedir(directory);
  return count;
}

}  // namespace runsc
