// For tests: a whole kernel on the real platform, whose containers run busybox from a root in memory.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "boot/containers/containers.h"

namespace runsc {

// What a process printed, and its end.
struct Printed {
  UniqueFd output;  // the read end of a pipe; empty once every writer has ended
  std::string read_all() const;
  // One line, without its end.
  std::string read_line() const;
};

class ContainersTest : public testing::Test {
 protected:
  ContainersTest();
  // Ends everything, and checks that nothing is left.
  ~ContainersTest() override;

  // A container that runs a shell script.
  static ContainerConfig script(const std::string& id, const std::string& text);
  static ProcessConfig process(const std::vector<std::string>& args);

  // The first container, started; it sleeps unless told otherwise.
  Printed start_first(const std::string& text = "exec busybox sleep 1000000");
  Printed start_first(ContainerConfig config);
  // A further one, started.
  Printed start(ContainerConfig config);
  control::Outcome<void> create(ContainerConfig config, Printed* printed = nullptr,
                                std::vector<UniqueFd> gofer_connections = {});
  control::Outcome<int> exec(const std::string& id, ProcessConfig config, Printed* printed = nullptr);

  // Waits for it.
  control::Outcome<int> status_of(const std::string& id);
  control::Outcome<int> status_of(const std::string& id, int pid);
  void kill(const std::string& id, int signal = SIGKILL);

  std::size_t tasks();
  static int open_descriptors();
  static int host_children();

  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Kernel> kernel_;
  VfsServicesPtr services_;
  std::promise<int> first_end_;
  std::future<int> first_ended_ = first_end_.get_future();
  std::unique_ptr<Containers> containers_;
  bool has_first_ = false;
  int descriptors_before_ = 0;
};

}  // namespace runsc
