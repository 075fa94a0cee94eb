// A server with a fake service behind a socket without a name in the file system.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "boot/controller/control_server.h"
#include "boot/controller/fake_service.h"
#include "control/client/client.h"

namespace runsc {

class ServerFixture {
 public:
  explicit ServerFixture(ControlLimits limits = {}) : server_(listen(), service, limits) {
    EXPECT_TRUE(server_.start().ok());
  }

  UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size_), 0);
    return fd;
  }
  control::Client client() const { return control::Client(connect()); }
  ControlServer& server() { return server_; }

  FakeService service;

 private:
  UniqueFd listen() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The host chooses an abstract address.
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address.sun_family)), 0);
    size_ = sizeof(address_);
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size_), 0);
    EXPECT_EQ(::listen(fd.get(), 64), 0);
    return fd;
  }

  sockaddr_un address_{};
  socklen_t size_ = 0;
  ControlServer server_;
};

}  // namespace runsc
