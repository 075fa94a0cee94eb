#include "boot/controller/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>
#include <vector>

namespace runsc {
namespace {

class RecordingHandler : public ControlHandler {
 public:
  Result<void> signal(int signal, bool all) override {
    signals.emplace_back(signal, all);
    if (signal == 9) return Errno(ESRCH);
    return {};
  }
  void resize() override { ++resizes; }
  std::string stacks() override { return std::string(1 << 20, 'x'); }

  std::vector<std::pair<int, bool>> signals;
  int resizes = 0;
};

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() : socket_(listen(), handler_), thread_([this] { socket_.run(); }) {}
  ~ControlSocketTest() override {
    socket_.stop();
    thread_.join();
  }

  // An address without a name in the file system, chosen by the host.
  UniqueFd listen() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address.sun_family)), 0);
    size_ = sizeof(address_);
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size_), 0);
    EXPECT_EQ(::listen(fd.get(), 64), 0);
    return fd;
  }
  UniqueFd connect() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address_), size_), 0);
    return fd;
  }
  std::string call(const UniqueFd& client, const std::string& request) {
    EXPECT_EQ(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    std::string answer(1 << 21, '\0');
    const ssize_t count = ::recv(client.get(), answer.data(), answer.size(), 0);
    answer.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return answer;
  }

  sockaddr_un address_{};
  socklen_t size_ = 0;
  RecordingHandler handler_;
  ControlSocket socket_;
  std::thread thread_;
};

TEST_F(ControlSocketTest, PassesRequestsOn) {
  const UniqueFd client = connect();
  EXPECT_EQ(call(client, "signal 15"), "ok");
  EXPECT_EQ(call(client, "signal-all 1"), "ok");
  EXPECT_EQ(call(client, "signal 9"), "error process already finished");
  EXPECT_EQ(call(client, "resize"), "ok");
  EXPECT_EQ(call(client, "stacks").substr(0, 5), "ok\nxx");
  EXPECT_EQ(handler_.signals, (std::vector<std::pair<int, bool>>{{15, false}, {1, true}, {9, false}}));
  EXPECT_EQ(handler_.resizes, 1);
}

TEST_F(ControlSocketTest, RefusesGarbage) {
  const UniqueFd client = connect();
  for (const std::string request : {"signal", "signal ", "signal 0", "signal 65", "signal -1", "signal 1x",
                                    "signal 1 2", "", " ", "nonsense", "resizes", "\xff\xfe"}) {
    if (request.empty()) continue;  // an empty packet is the end of a connection
    EXPECT_EQ(call(client, request).rfind("error ", 0), 0u) << request;
  }
  EXPECT_EQ(call(client, std::string(5000, 'a')), "error request too long");
  EXPECT_EQ(call(client, "resize"), "ok");
  EXPECT_TRUE(handler_.signals.empty());
}

TEST_F(ControlSocketTest, SurvivesClientsThatIdleDieOrDoNotRead) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(connect());
  for (int i = 0; i < 20; ++i) {
    const UniqueFd rude = connect();
    for (int j = 0; j < 5; ++j) ::send(rude.get(), "stacks", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  EXPECT_EQ(call(connect(), "resize"), "ok");
}

}  // namespace
}  // namespace runsc
