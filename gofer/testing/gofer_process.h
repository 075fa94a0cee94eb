// For tests and benchmarks: gofer processes and directories to serve.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gofer/client/connection.h"
#include "gofer/server/gofer.h"

namespace runsc::gofer {

// A directory under TEST_TMPDIR (else /tmp) that goes away with everything in it.
class TempDir {
 public:
  TempDir();
  explicit TempDir(const std::string& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string at(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

struct TestMount {
  std::string root;
  MountPolicy policy;
};

// A forked process that runs run_gofer. Killed and reaped when it goes away.
class GoferProcess {
 public:
  using Filter = std::function<Result<void>(int)>;

  // The real filter; none in builds with the thread sanitizer, which cannot live with it.
  static Filter real_filter();

  // With the real filter, or with `filter` (which
  // may be empty).
  explicit GoferProcess(const std::vector<TestMount>& mounts);
  GoferProcess(const std::vector<TestMount>& mounts, Filter filter, std::uint32_t max_handles = 0);
  ~GoferProcess();
  GoferProcess(const GoferProcess&) = delete;
  GoferProcess& operator=(const GoferProcess&) = delete;

  pid_t pid() const { return pid_; }
  // The client's end of a mount's connection; once for each.
  UniqueFd take_socket(std::size_t mount = 0) { return std::move(sockets_[mount]); }
  // Drops the client ends that were not taken, and waits for the process's end; its status as of waitpid.
  int wait();
  // How many descriptors it has open.
  std::size_t descriptor_count() const;

 private:
  pid_t pid_ = -1;
  std::vector<UniqueFd> sockets_;
};

}  // namespace runsc::gofer
