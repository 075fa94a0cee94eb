// The options of SOL_SOCKET that all families share (socket(7)).
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"

namespace runsc {

class CurrentTask;

// Sizes in bytes as Linux accounts them (net.core.*mem_default, *mem_max).
inline constexpr int kBufferDefault = 212992;
inline constexpr int kBufferMax = 212992;

// Thread-safe.
class SocketOptions {
 public:
  // setsockopt(2) at SOL_SOCKET. ENOPROTOOPT: not one of the shared ones.
  Result<void> set(CurrentTask& task, int name, std::span<const std::byte> value);
  // getsockopt(2) at SOL_SOCKET; the caller truncates. ENOPROTOOPT as above.
  Result<std::vector<std::byte>> get(int name) const;

  int send_buffer() const { return values_.lock()->send_buffer; }
  int receive_buffer() const { return values_.lock()->receive_buffer; }
  // What an accepted socket has from its listener.
  void inherit(const SocketOptions& listener);
  bool pass_credentials() const { return values_.lock()->pass_credentials; }
  // Nanoseconds that a blocking call may wait; none: for ever.
  std::optional<std::int64_t> send_timeout() const;
  std::optional<std::int64_t> receive_timeout() const;
  linger linger_time() const { return values_.lock()->linger_time; }

 private:
  struct Values {
    int send_buffer = kBufferDefault, receive_buffer = kBufferDefault;
    timeval send_timeout{}, receive_timeout{};
    linger linger_time{};
    bool pass_credentials = false;
    // Stored and told; without effect on the families that live in this kernel.
    int reuse_address = 0, reuse_port = 0, keep_alive = 0, broadcast = 0, oob_inline = 0, dont_route = 0, timestamp = 0,
        priority = 0, receive_low_water = 1, no_check = 0;
  };
  // The plain integers among them; null if `name` is none.
  static int* find_integer(Values& values, int name);
  Result<void> set_number(CurrentTask& task, int name, int number);

  Guarded<Values, LockLevel::kLeaf> values_;
};

// An option's value as getsockopt(2) gives it.
template <typename T>
std::vector<std::byte> option_bytes(const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {bytes.begin(), bytes.end()};
}
// The int that most options are. EINVAL: too short.
Result<int> option_int(std::span<const std::byte> value);

}  // namespace runsc
