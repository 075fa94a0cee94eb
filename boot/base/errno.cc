#include <cstring>

#include "boot/base/result.h"

namespace runsc {

const char* errno_name(Errno error) {
  switch (error.value()) {
    case kRestartSys.value():
      return "ERESTARTSYS";
    case kRestartNoIntr.value():
      return "ERESTARTNOINTR";
    case kRestartNoHandler.value():
      return "ERESTARTNOHAND";
    case kRestartBlock.value():
      return "ERESTART_RESTARTBLOCK";
  }
  const char* name = ::strerrorname_np(error.value());
  return name != nullptr ? name : "unknown errno";
}

}  // namespace runsc
