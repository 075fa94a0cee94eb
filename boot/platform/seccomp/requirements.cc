#include "boot/platform/seccomp/requirements.h"

#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace runsc::seccomp {
namespace {

bool has_fsgsbase() {
  constexpr unsigned long kHwcap2Fsgsbase = 1 << 1;
  return (getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0;
}

bool has_action(std::uint32_t action) { return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0; }

// Flags are checked before the program is read.
bool has_killable_wait() {
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, nullptr) < 0 && errno == EFAULT;
}

bool has_notification_layout() {
  seccomp_notif_sizes sizes{};
  return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
         sizes.seccomp_notif == sizeof(seccomp_notif) && sizes.seccomp_notif_resp == sizeof(seccomp_notif_resp) &&
         sizes.seccomp_data == sizeof(seccomp_data);
}

// An empty range above every descriptor, with a valid flag.
bool has_close_range() { return syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_CLOEXEC) == 0; }

bool has_release(int want_major, int want_minor) {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > want_major || (major == want_major && minor >= want_minor);
}

std::string release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "of an unknown version";
}

}  // namespace

std::string missing_requirement() {
  struct Requirement {
    bool (*present)();
    const char* feature;
  };
  static constexpr Requirement kRequirements[] = {
      {has_fsgsbase, "the fsgsbase instructions for programs (Linux 5.9, and a processor that has them)"},
      {[] { return has_action(SECCOMP_RET_TRAP); }, "seccomp filters (CONFIG_SECCOMP_FILTER)"},
      {[] { return has_action(SECCOMP_RET_USER_NOTIF); }, "seccomp user notification (Linux 5.0)"},
      {has_notification_layout, "the known layout of seccomp notifications"},
      {has_close_range, "close_range with flags (Linux 5.11)"},
      {has_killable_wait, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)"},
      // Without a way to ask: a listener that reports the death of its thread, and before that (6.6) wake-ups on one
      // CPU.
      {[] { return has_release(6, 11); }, "seccomp listeners that notice the end of their thread (Linux 6.11)"},
  };
  for (const Requirement& requirement : kRequirements)
    if (!requirement.present())
      return std::string("the host lacks ") + requirement.feature + ": it runs Linux " + release();
  return {};
}

}  // namespace runsc::seccomp
