#include "gofer/testing/gofer_process.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "boot/base/log.h"
#include "gofer/filter/filter.h"

namespace runsc::gofer {
namespace {

// A child keeps no end of another gofer's connection: that gofer could not see its peer leave.
void close_others(const std::vector<int>& kept) {
  for (int fd = 3; fd < 1024; ++fd)
    if (std::find(kept.begin(), kept.end(), fd) == kept.end()) ::close(fd);
}

std::string test_directory() {
  const char* base = std::getenv("TEST_TMPDIR");
  return base != nullptr ? base : "/tmp";
}

[[noreturn]] void run_child(std::vector<GoferMount> mounts, GoferOptions options) {
  std::vector<int> kept;
  for (const GoferMount& mount : mounts) {
    kept.push_back(mount.socket.get());
    kept.push_back(mount.root.get());
  }
  close_others(kept);
  ::_exit(run_gofer(std::move(mounts), std::move(options)));
}

}  // namespace

TempDir::TempDir() : TempDir(test_directory()) {}

TempDir::TempDir(const std::string& parent) : path_(parent + "/gofer.XXXXXX") {
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

GoferProcess::Filter GoferProcess::real_filter() {
#ifdef __SANITIZE_THREAD__
  return {};  // its run-time library opens files and starts threads
#else
  return install_gofer_filter;
#endif
}

GoferProcess::GoferProcess(const std::vector<TestMount>& mounts) : GoferProcess(mounts, real_filter()) {}

GoferProcess::GoferProcess(const std::vector<TestMount>& mounts, Filter filter, std::uint32_t max_handles) {
  // A real gofer never had threads before run_gofer; ours is forked from a test that had, and would inherit the
  // arenas of their allocator.
  ::mallopt(M_ARENA_MAX, 1);
  std::vector<GoferMount> served;
  for (const TestMount& mount : mounts) {
    auto pair = make_socket_pair();
    CHECK(pair.ok());
    UniqueFd root(::open(mount.root.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    CHECK(root.valid());
    served.push_back({std::move(pair->server), std::move(root), mount.policy});
    sockets_.push_back(std::move(pair->client));
  }
  pid_ = ::fork();
  CHECK(pid_ >= 0);
  GoferOptions options;
  options.max_handles = max_handles;
  options.install_filter = std::move(filter);
  if (pid_ == 0) run_child(std::move(served), std::move(options));
}

GoferProcess::~GoferProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int GoferProcess::wait() {
  sockets_.clear();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

std::size_t GoferProcess::descriptor_count() const {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace runsc::gofer
