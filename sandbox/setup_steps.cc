#include "sandbox/setup_steps.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// Any directory serves: what it covers is gone after the pivot. Every host has this one.
constexpr const char kCovered[] = "/proc";

#ifdef RUNSC_SANITIZED
void bind_read_only(const char* source, const char* target) {
  if (::mount(source, target, nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, target, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
    throw_system_error(std::string("mount ") + source);
  }
}

// The program is linked dynamically then, and its run-time library reads /proc/self/maps: both must be in the new root.
void add_sanitizer_needs() {
  for (const char* directory : {"/usr", "/usr/lib", "/proc"}) {
    if (::mkdir(directory + 1, 0755) != 0) throw_system_error(std::string("make ") + directory);
  }
  for (const char* link : {"lib", "lib64"}) {
    if (::symlink((std::string("usr/") + link).c_str(), link) != 0) throw_system_error(std::string("make /") + link);
  }
  if (::mkdir("usr/lib64", 0755) != 0) throw_system_error("make /usr/lib64");
  bind_read_only("/usr/lib", "usr/lib");
  bind_read_only("/usr/lib64", "usr/lib64");
  if (::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) throw_system_error("mount proc");
}
constexpr unsigned kSanitizerInodes = 8;
#else
void add_sanitizer_needs() {}
constexpr unsigned kSanitizerInodes = 0;
#endif

void drop_from_bounding_set(std::uint64_t keep) {
  // Up to the last capability that this kernel knows, which may be later than those we know: EINVAL.
  for (int number = 0;; ++number) {
    const bool kept = number <= CAP_LAST_CAP && ((keep >> number) & 1) != 0;
    if (kept || ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL && ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0) return;
    throw_system_error("drop capability from bounding set");
  }
}

void set_sets(std::uint64_t permitted, std::uint64_t inheritable) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(permitted >> (32 * half));
    data[half] = {bits, bits, static_cast<std::uint32_t>(inheritable >> (32 * half))};
  }
  if (::syscall(SYS_capset, &header, data) != 0) throw_system_error("capset");
}

std::uint64_t permitted_set() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) throw_system_error("capget");
  return data[0].permitted | std::uint64_t{data[1].permitted} << 32;
}

void set_ambient_set(std::uint64_t mask) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) throw_system_error("clear ambient capabilities");
  for (int number = 0; number < 64; ++number) {
    if (((mask >> number) & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
      throw_system_error("raise ambient capability");
  }
}

constexpr char kReservedPorts[] = "net/ipv4/ip_unprivileged_port_start";
constexpr char kPingGroups[] = "net/ipv4/ping_group_range";

// /proc/sys/net is that of the network namespace of who opens it.
void write_setting(const std::string& name, const std::string& value) {
  const UniqueFd file(::open(("/proc/sys/" + name).c_str(), O_WRONLY | O_CLOEXEC));
  if (file) [[maybe_unused]]
    const auto written = ::write(file.get(), value.data(), value.size());
}

}  // namespace

void start_session() {
  // Fails only when the process leads a group already, which a fresh child does not.
  if (::setsid() < 0) throw_system_error("setsid");
}

void make_mounts_private() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throw_system_error("make mounts private");
}

void open_network_to(std::uint32_t group) {
  write_setting(kReservedPorts, "0");
  write_setting(kPingGroups, std::to_string(group) + " " + std::to_string(group));
}

void open_joined_network_to(std::uint32_t group) {
  std::uint32_t first = 1, last = 0;
  std::ifstream(std::string("/proc/sys/") + kPingGroups) >> first >> last;
  const bool none = last < first;
  if (!none && first <= group && group <= last) return write_setting(kReservedPorts, "0");
  open_network_to(group);
  if (!none) {
    write_setting(kPingGroups, std::to_string(std::min(first, group)) + " " + std::to_string(std::max(last, group)));
  }
}

void bring_up_loopback() {
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!any || ::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) throw_system_error("bring up the loopback interface");
}

void mount_new_root(unsigned inodes) {
  const std::string options = "size=64k,mode=0555,nr_inodes=" + std::to_string(inodes + kSanitizerInodes);
  if (::mount("runsc", kCovered, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0) {
    throw_system_error("mount the new root");
  }
  if (::chdir(kCovered) != 0) throw_system_error("enter the new root");
  add_sanitizer_needs();
}

void pivot_to_new_root() {
  // Old and new root change places in one directory, so no directory has to be made for the old one.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) throw_system_error("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) throw_system_error("unmount the old root");
  if (::chdir("/") != 0) throw_system_error("enter the root");
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) !=
      0) {
    throw_system_error("make the root read-only");
  }
}

UniqueFd open_private_proc() {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC)));
  if (!context) return {};
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "subset", "pid", 0) != 0) return {};
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  const auto attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return UniqueFd(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes)));
}

void become(std::uint32_t uid, std::uint32_t gid, bool may_set_groups) {
  // The host calls, not glibc's wrappers: this is a fork whose C library must not signal threads it does not have.
  if (may_set_groups && ::syscall(SYS_setgroups, 0, nullptr) != 0) throw_system_error("setgroups");
  if (::syscall(SYS_setresgid, gid, gid, gid) != 0) throw_system_error("setresgid");
  if (::syscall(SYS_setresuid, uid, uid, uid) != 0) throw_system_error("setresuid");
}

void set_limits() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) throw_system_error("set RLIMIT_CORE");
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) throw_system_error("get RLIMIT_NOFILE");
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) throw_system_error("raise RLIMIT_NOFILE");
}

void set_no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_system_error("set no_new_privs");
}

void limit_capabilities(std::uint64_t keep) {
  // An unprivileged caller, or a container with a short bounding set around us, may have less to give.
  keep &= permitted_set();
  drop_from_bounding_set(keep);
  set_sets(keep | std::uint64_t{1} << CAP_SETPCAP, keep);  // CAP_SETPCAP still for the next two
  set_ambient_set(keep);
  // Without NOROOT the execution would give uid 0 everything that is in the bounding set; locked for good.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) throw_system_error("lock securebits");
  set_sets(keep, keep);
}

}  // namespace runsc
