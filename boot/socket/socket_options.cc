#include "boot/socket/socket_options.h"

#include <algorithm>
#include <cstring>

#include "boot/kernel/current_task.h"

namespace runsc {
namespace {

// SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF.
constexpr int kMinSendBuffer = 4608;
constexpr int kMinReceiveBuffer = 2304;

template <typename T>
Result<T> option_value(std::span<const std::byte> bytes) {
  T value{};
  if (bytes.size() < sizeof value) return Errno(EINVAL);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// Linux doubles what was asked for, to cover its own overhead, and programs know it.
int buffer_size(int wanted, int minimum) { return std::max(std::clamp(wanted, 0, kBufferMax) * 2, minimum); }

Result<timeval> option_time(std::span<const std::byte> bytes) {
  timeval time = TRY(option_value<timeval>(bytes));
  if (time.tv_usec < 0 || time.tv_usec >= 1'000'000) return Errno(EDOM);
  if (time.tv_sec < 0) time = {0, 1};  // Linux: an expired time-out
  return time;
}

std::optional<std::int64_t> to_duration(const timeval& time) {
  if (time.tv_sec == 0 && time.tv_usec == 0) return std::nullopt;
  return to_ns(timespec{time.tv_sec, time.tv_usec * 1000});
}

}  // namespace

Result<int> option_int(std::span<const std::byte> value) { return option_value<int>(value); }

int* SocketOptions::find_integer(Values& values, int name) {
  switch (name) {
    case SO_REUSEADDR:
      return &values.reuse_address;
    case SO_REUSEPORT:
      return &values.reuse_port;
    case SO_KEEPALIVE:
      return &values.keep_alive;
    case SO_BROADCAST:
      return &values.broadcast;
    case SO_OOBINLINE:
      return &values.oob_inline;
    case SO_DONTROUTE:
      return &values.dont_route;
    case SO_TIMESTAMP:
      return &values.timestamp;
    case SO_NO_CHECK:
      return &values.no_check;
    case SO_PRIORITY:
      return &values.priority;
    case SO_RCVLOWAT:
      return &values.receive_low_water;
    default:
      return nullptr;
  }
}

Result<void> SocketOptions::set_number(CurrentTask& task, int name, int number) {
  auto values = values_.lock();
  switch (name) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
      // The maximum protects the sandbox's memory: no capability lifts it.
      if (!task.capable(CAP_NET_ADMIN)) return Errno(EPERM);
      (name == SO_SNDBUFFORCE ? values->send_buffer : values->receive_buffer) =
          buffer_size(number, name == SO_SNDBUFFORCE ? kMinSendBuffer : kMinReceiveBuffer);
      return {};
    case SO_SNDBUF:
      values->send_buffer = buffer_size(number, kMinSendBuffer);
      return {};
    case SO_RCVBUF:
      values->receive_buffer = buffer_size(number, kMinReceiveBuffer);
      return {};
    case SO_PASSCRED:
      values->pass_credentials = number != 0;
      return {};
    case SO_PRIORITY:
      if ((number < 0 || number > 6) && !task.capable(CAP_NET_ADMIN)) return Errno(EPERM);
      values->priority = number;
      return {};
    case SO_RCVLOWAT:
      values->receive_low_water = number < 0 ? INT32_MAX : std::max(number, 1);
      return {};
    default:
      break;
  }
  int* flag = find_integer(*values, name);
  if (flag == nullptr) return Errno(ENOPROTOOPT);
  *flag = number != 0;
  return {};
}

Result<void> SocketOptions::set(CurrentTask& task, int name, std::span<const std::byte> value) {
  const int number = TRY(option_int(value));
  switch (name) {
    case SO_LINGER: {
      const linger wanted = TRY(option_value<linger>(value));
      values_.lock()->linger_time = wanted;
      return {};
    }
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW: {
      const timeval time = TRY(option_time(value));
      values_.lock()->receive_timeout = time;
      return {};
    }
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW: {
      const timeval time = TRY(option_time(value));
      values_.lock()->send_timeout = time;
      return {};
    }
    case SO_MARK:
    case SO_DEBUG:
      return task.capable(CAP_NET_ADMIN) ? Errno(ENOPROTOOPT) : Errno(EPERM);
    default:
      return set_number(task, name, number);
  }
}

Result<std::vector<std::byte>> SocketOptions::get(int name) const {
  auto values = values_.lock();
  switch (name) {
    case SO_SNDBUF:
      return option_bytes(values->send_buffer);
    case SO_RCVBUF:
      return option_bytes(values->receive_buffer);
    case SO_PASSCRED:
      return option_bytes<int>(values->pass_credentials);
    case SO_LINGER:
      return option_bytes(values->linger_time);
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW:
      return option_bytes(values->receive_timeout);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
      return option_bytes(values->send_timeout);
    case SO_SNDLOWAT:
      return option_bytes(1);
    case SO_DEBUG:
    case SO_MARK:
      return option_bytes(0);
    default:
      break;
  }
  const int* flag = find_integer(*values, name);
  if (flag == nullptr) return Errno(ENOPROTOOPT);
  return option_bytes(*flag);
}

void SocketOptions::inherit(const SocketOptions& listener) {
  const Values values = *listener.values_.lock();
  *values_.lock() = values;
}

std::optional<std::int64_t> SocketOptions::send_timeout() const { return to_duration(values_.lock()->send_timeout); }
std::optional<std::int64_t> SocketOptions::receive_timeout() const {
  return to_duration(values_.lock()->receive_timeout);
}

}  // namespace runsc
