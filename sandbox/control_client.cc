#include "sandbox/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <vector>

#include "runsc/common/user_error.h"
#include "runsc/common/unix_address.h"

namespace runsc {
namespace {

constexpr std::size_t kMaxAnswer = 1 << 20;

}  // namespace

ControlClient::ControlClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
  if (!socket_) throw_system_error("socket");
  const UnixAddress address(path);
  if (::connect(socket_.get(), address.get(), address.size()) != 0) throw_system_error("connect to the sandbox");
}

std::string ControlClient::call(const std::string& request, int seconds) {
  const timeval limit{.tv_sec = seconds, .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    throw_system_error("send to the sandbox");
  }
  std::vector<char> buffer(kMaxAnswer);
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) throw UserError("the sandbox does not answer");
  if (count <= 0) throw UserError("the sandbox ended before it answered");
  const std::string answer(buffer.data(), static_cast<std::size_t>(count));
  if (answer.rfind("error ", 0) == 0) throw UserError(answer.substr(6));
  if (answer.rfind("ok", 0) != 0) throw UserError("the sandbox gave an answer that is none");
  return answer.size() > 3 ? answer.substr(3) : "";
}

bool ControlClient::post(const std::string& request) noexcept {
  std::array<char, 256> dropped{};
  while (::recv(socket_.get(), dropped.data(), dropped.size(), MSG_DONTWAIT) > 0) {
  }
  return ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace runsc
