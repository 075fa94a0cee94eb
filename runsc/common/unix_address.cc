#include "runsc/common/unix_address.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cstring>

#include "runsc/common/user_error.h"

namespace runsc {

UnixAddress::UnixAddress(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  directory_ = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_) throw_system_error("open " + directory);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string text = "/proc/self/fd/" + std::to_string(directory_.get()) + "/" + name;
  if (text.size() >= sizeof(address_.sun_path)) throw UserError("socket name too long: " + name);
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, text.c_str(), text.size() + 1);
}

}  // namespace runsc
