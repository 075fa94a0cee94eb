#include "sandbox/process_identity.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>

namespace runsc {
namespace {

bool waitable(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

void await_zombie(pid_t pid) {
  std::string text;
  do {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::getline(file, text);
  } while (text.find(") Z ") == std::string::npos);
}

TEST(ProcessIdentity, IsNotThatOfAZombie) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  const ProcessIdentity child = ProcessIdentity::of(pid);
  EXPECT_TRUE(child.alive());
  EXPECT_TRUE(child.open().valid());
  EXPECT_FALSE((ProcessIdentity{pid, child.start_time + 1}.alive()));
  child.end();
  EXPECT_TRUE(waitable(pid));
  EXPECT_FALSE(child.alive());
  EXPECT_FALSE(child.send(SIGTERM));
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(child.alive());
}

// As a process is for a while that has been killed, and of which other threads take longer.
TEST(ProcessIdentity, IsThatOfAProcessWhoseFirstThreadHasEnded) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  }
  const ProcessIdentity child = ProcessIdentity::of(pid);
  await_zombie(pid);
  EXPECT_TRUE(child.alive());
  EXPECT_FALSE(waitable(pid));
  child.end();
  EXPECT_TRUE(waitable(pid));
  EXPECT_FALSE(child.alive());
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace runsc
