#include "boot/controller/control_socket.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "boot/base/host_call.h"

namespace runsc {
namespace {

constexpr std::size_t kMaxClients = 32;
constexpr std::size_t kMaxRequest = 256;
constexpr std::size_t kMaxAnswer = 128 * 1024;  // what a socket's buffer takes without waiting
constexpr int kLastSignal = 64;

std::optional<int> signal_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 1 && number <= kLastSignal ? std::optional(number) : std::nullopt;
}

std::string error_text(Errno error) {
  return error == Errno(ESRCH) ? "error process already finished" : std::string("error ") + errno_name(error);
}

}  // namespace

ControlSocket::ControlSocket(UniqueFd listener, ControlHandler& handler)
    : listener_(std::move(listener)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), handler_(handler) {}

void ControlSocket::stop() {
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof(one)) < 0) return;
}

void ControlSocket::run() {
  std::vector<pollfd> entries;
  while (true) {
    entries.assign(
        {{.fd = stop_.get(), .events = POLLIN, .revents = 0}, {.fd = listener_.get(), .events = POLLIN, .revents = 0}});
    for (const UniqueFd& client : clients_) entries.push_back({.fd = client.get(), .events = POLLIN, .revents = 0});
    if (::poll(entries.data(), entries.size(), -1) < 0) continue;
    if (entries[0].revents != 0) return;
    for (std::size_t i = 2; i < entries.size(); ++i) {
      if (entries[i].revents != 0 && !serve(entries[i].fd)) {
        std::erase_if(clients_, [&](const UniqueFd& client) { return client.get() == entries[i].fd; });
      }
    }
    if (entries[1].revents != 0) accept_client();
  }
}

void ControlSocket::accept_client() {
  UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client) return;
  if (clients_.size() >= kMaxClients) clients_.pop_front();
  clients_.push_back(std::move(client));
}

bool ControlSocket::serve(int client) {
  std::array<char, kMaxRequest> buffer{};
  const ssize_t count = ::recv(client, buffer.data(), buffer.size(), MSG_TRUNC);
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) return false;
  const bool too_long = static_cast<std::size_t>(count) > buffer.size();
  std::string text = too_long ? "error request too long" : answer({buffer.data(), static_cast<std::size_t>(count)});
  text.resize(std::min(text.size(), kMaxAnswer));
  ::send(client, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return true;
}

std::string ControlSocket::answer(std::string_view request) {
  const std::size_t blank = std::min(request.find(' '), request.size());
  const std::string_view verb = request.substr(0, blank);
  const std::string_view argument = request.substr(std::min(blank + 1, request.size()));
  if (verb == "signal" || verb == "signal-all") {
    const auto signal = signal_number(argument);
    if (!signal) return "error not a signal";
    const auto result = handler_.signal(*signal, verb == "signal-all");
    return result.ok() ? "ok" : error_text(result.error());
  }
  if (verb == "resize") {
    handler_.resize();
    return "ok";
  }
  if (verb == "stacks") return "ok\n" + handler_.stacks();
  return "error unknown request";
}

}  // namespace runsc
