#include "sandbox/start_gate.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runsc/common/user_error.h"

namespace runsc {

UniqueFd make_start_gate(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) throw_system_error("create " + path);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) throw_system_error("open " + path);
  return fd;
}

void open_start_gate(const std::string& path) {
  // Without blocking, which fails when nobody has the other end open.
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && (errno == ENXIO || errno == ENOENT)) throw UserError("cannot start a container that has stopped");
  if (!fd || ::write(fd.get(), "s", 1) != 1) throw_system_error("write to " + path);
}

}  // namespace runsc
