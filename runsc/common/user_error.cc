#include "runsc/common/user_error.h"

#include <cctype>

namespace runsc {

std::string system_error_text(const std::string& what, int error_number) {
  std::string reason = ::strerror(error_number);
  // "Permission denied", but "RPC ..." stays.
  if (reason.size() > 1 && std::islower(static_cast<unsigned char>(reason[1])) != 0) {
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  }
  return what + ": " + reason;
}

void throw_system_error(const std::string& what, int error_number) {
  throw UserError(system_error_text(what, error_number));
}

}  // namespace runsc
