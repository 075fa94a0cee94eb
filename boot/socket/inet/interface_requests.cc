// netdevice(7): the commands of ioctl(2) about network interfaces. Reading only: whoever asks in the sandbox, the boot
// process has no capability to change the host's interfaces.
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/socket/host/host_options.h"
#include "boot/socket/inet/inet_socket.h"

namespace runsc {
namespace {

constexpr std::size_t kMostInterfaces = 1024;

enum class Kind { kRead, kChange, kUnsupported, kOther };

Kind kind_of(std::uint32_t command) {
  const auto questions = interface_questions();
  if (std::find(questions.begin(), questions.end(), static_cast<int>(command)) != questions.end()) return Kind::kRead;
  switch (command) {
    case SIOCSIFLINK:
    case SIOCSIFNAME:
    case SIOCSIFFLAGS:
    case SIOCSIFADDR:
    case SIOCSIFDSTADDR:
    case SIOCSIFBRDADDR:
    case SIOCSIFNETMASK:
    case SIOCSIFMETRIC:
    case SIOCSIFMTU:
    case SIOCSIFHWADDR:
    case SIOCSIFHWBROADCAST:
    case SIOCSIFMAP:
    case SIOCSIFTXQLEN:
    case SIOCADDMULTI:
    case SIOCDELMULTI:
    case SIOCDIFADDR:
    case SIOCADDRT:
    case SIOCDELRT:
    case SIOCSARP:
    case SIOCDARP:
    case SIOCBRADDBR:
    case SIOCBRDELBR:
      return Kind::kChange;
    case SIOCETHTOOL:
    case SIOCGMIIPHY:
    case SIOCGMIIREG:
      return Kind::kUnsupported;
    default:
      return Kind::kOther;
  }
}

Result<std::int64_t> read_one(int host, CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  ifreq request = TRY(task.read(UserIn<ifreq>{{argument}}));
  request.ifr_name[sizeof request.ifr_name - 1] = '\0';
  TRY(host_result([&] { return ::ioctl(host, command, &request); }));
  TRY(task.write(UserOut<ifreq>{{argument}}, request));
  return 0;
}

// SIOCGIFCONF: the interfaces with IPv4 addresses. Without a buffer: how much room they need.
Result<std::int64_t> list(int host, CurrentTask& task, std::uint64_t argument) {
  ifconf request = TRY(task.read(UserIn<ifconf>{{argument}}));
  if (request.ifc_len < 0) return Errno(EINVAL);
  const std::uint64_t to = reinterpret_cast<std::uint64_t>(request.ifc_buf);
  std::vector<ifreq> found(std::min<std::size_t>(request.ifc_len / sizeof(ifreq), kMostInterfaces));
  request.ifc_len = static_cast<int>(found.size() * sizeof(ifreq));
  found.reserve(1);  // the host takes a null pointer for the question how much room is needed
  request.ifc_req = to != 0 ? found.data() : nullptr;
  TRY(host_result([&] { return ::ioctl(host, SIOCGIFCONF, &request); }));
  const std::size_t count = std::min(request.ifc_len / sizeof(ifreq), found.size());
  if (to != 0) TRY(task.write_array(UserOut<ifreq>{{to}}, std::span<const ifreq>(found).first(count)));
  TRY(task.write(UserOut<int>{{argument}}, request.ifc_len));
  return 0;
}

}  // namespace

Result<std::function<Result<std::int64_t>(CurrentTask&, std::uint32_t, std::uint64_t)>> interface_requests() {
  const auto host = std::make_shared<UniqueFd>(TRY(make_host_socket(AF_INET, SOCK_DGRAM, 0)));
  return [host](CurrentTask& task, std::uint32_t command, std::uint64_t argument) -> Result<std::int64_t> {
    if (command == SIOCGIFCONF) return list(host->get(), task, argument);
    switch (kind_of(command)) {
      case Kind::kRead:
        return read_one(host->get(), task, command, argument);
      case Kind::kChange:
        return Errno(EPERM);
      case Kind::kUnsupported:
        return Errno(EOPNOTSUPP);
      default:
        return Errno(ENOTTY);
    }
  };
}

}  // namespace runsc
