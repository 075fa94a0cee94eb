#include "runsc/cli/inherited_fds.h"

#include <fcntl.h>
#include <unistd.h>

#include "runsc/common/user_error.h"

namespace runsc {

void ensure_stdio() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd > 2) {
      if (fd > 2) ::close(fd);
      return;
    }
  }
}

std::vector<int> inherited_fds(int count) {
  constexpr int kFirst = 3;
  std::vector<int> out;
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      throw UserError("please check that preserved-fd " + std::to_string(fd - kFirst + 1) + " (of " +
                      std::to_string(count) + ") is present");
    }
    out.push_back(fd);
  }
  return out;
}

}  // namespace runsc
