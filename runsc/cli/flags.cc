#include "runsc/cli/flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <map>

#include "runsc/common/user_error.h"

DEFINE_string(root, "", "directory of the containers' state (default /run/runsc, or $XDG_RUNTIME_DIR/runsc)");
DEFINE_string(log, "", "file to append errors and warnings to");
DEFINE_string(log_format, "text", "format of that file: text or json");
DEFINE_bool(debug, false, "log more");
DEFINE_string(debug_log, "", "directory for one log file of each sandbox's processes");
DEFINE_bool(strace, false, "log every system call of the application");
DEFINE_bool(oci_seccomp, false, "apply linux.seccomp inside the sandbox; else it is ignored");
DEFINE_string(platform, "seccomp", "how application code runs: seccomp");
DEFINE_string(network, "host", "host: sockets of the container's network namespace on the host; none: a loopback only");
DEFINE_string(
    file_access, "auto",
    "exclusive; shared: the root is changed from outside while it runs; auto: shared if it is a mount of its own");
DEFINE_string(
    overlay2, "auto",
    "what takes the writes to the root: root:self, root:memory, root:dir=/PATH, all:.. (bind mounts too), none; auto: "
    "root:self, or none if the root is a mount of its own, as engines make them");
DEFINE_string(rootless, "auto", "true, false or auto: run without being root");
DEFINE_string(criu, "", "accepted for compatibility");
DEFINE_bool(systemd_cgroup, false, "let systemd make the cgroups; linux.cgroupsPath is slice:prefix:name");
DEFINE_bool(ignore_cgroups, false, "stay in the cgroups of the caller, and set no limits in them");

DEFINE_string(bundle, ".", "directory with config.json");
DEFINE_bool(detach, false, "return when the container runs");
DEFINE_string(pid_file, "", "file to write the process id to");
DEFINE_string(console_socket, "", "Unix socket that is sent the console's master end");
DEFINE_string(pidfd_socket, "", "Unix socket that is sent a pidfd of the container's first process");
DEFINE_bool(keep, false, "keep the container's state after its end");
DEFINE_bool(no_pivot, false, "accepted: the host's root is never the container's");
DEFINE_bool(no_new_keyring, false, "accepted: a container never shares a keyring");
DEFINE_bool(no_subreaper, false, "accepted: nothing is reparented");
DEFINE_int32(preserve_fds, 0, "additional descriptors to pass to the container");
DEFINE_bool(force, false, "delete even if it is running");
DEFINE_bool(all, false, "signal every process of the container");
DEFINE_bool(quiet, false, "only the ids");
DEFINE_string(format, "table", "table or json");
DEFINE_bool(stats, false, "once, then end");
DEFINE_string(interval, "5s", "time between two measurements");
DEFINE_string(resources, "",
              "file with linux.resources as JSON, - for the standard input; the other flags are ignored");
DEFINE_string(blkio_weight, "", "weight of block I/O, 10 to 1000");
DEFINE_string(cpu_period, "", "period of the quota of processor time, in microseconds");
DEFINE_string(cpu_quota, "", "processor time in each period, in microseconds; -1: as much as there is");
DEFINE_string(cpu_burst, "", "how far unused quota adds up, in microseconds");
DEFINE_string(cpu_share, "", "weight of processor time against other containers");
DEFINE_string(cpu_rt_period, "", "period of the realtime quota, in microseconds");
DEFINE_string(cpu_rt_runtime, "", "realtime quota, in microseconds");
DEFINE_string(cpu_idle, "", "1: run only when nothing else wants to");
DEFINE_string(cpuset_cpus, "", "processors, as in 0-2,7");
DEFINE_string(cpuset_mems, "", "memory nodes");
DEFINE_string(memory, "", "memory, in bytes or as in 64m; -1: unlimited");
DEFINE_string(memory_reservation, "", "memory to come down to when the host runs short");
DEFINE_string(memory_swap, "", "memory and swap together; -1: unlimited");
DEFINE_string(kernel_memory, "", "accepted and ignored");
DEFINE_string(kernel_memory_tcp, "", "accepted and ignored");
DEFINE_string(pids_limit, "", "number of tasks; -1: unlimited");
DEFINE_string(l3_cache_schema, "", "not supported");
DEFINE_string(mem_bw_schema, "", "not supported");
DEFINE_bool(stacks, false, "what every task and thread of the sandbox is doing");
DEFINE_string(log_level, "", "what the sandbox logs from now on: warning, debug or strace");
DEFINE_int32(pid, 0, "a process, by its number in the container");
DEFINE_bool(spec_rootless, false, "for a caller who is not root");
DEFINE_string(cwd, "", "directory to start in (default: the present one)");
DEFINE_string(image_path, "", "directory of the image");
DEFINE_string(work_path, "", "directory for logs of the work on the image");
DEFINE_string(parent_path, "", "directory of an earlier image");
DEFINE_bool(leave_running, false, "let the container go on");
DEFINE_bool(tcp_established, false, "with open TCP connections");
DEFINE_bool(ext_unix_sk, false, "with Unix sockets that lead outside");
DEFINE_bool(shell_job, false, "with a terminal of the caller's");
DEFINE_bool(lazy_pages, false, "copy memory when it is touched");
DEFINE_int32(status_fd, -1, "descriptor to report to");
DEFINE_string(page_server, "", "ADDRESS:PORT to send memory to");
DEFINE_bool(file_locks, false, "with file locks");
DEFINE_bool(pre_dump, false, "only the memory, for a later image");
DEFINE_string(manage_cgroups_mode, "", "soft, full, strict or ignore");
DEFINE_string(empty_ns, "", "namespace to leave out: network");
DEFINE_bool(auto_dedup, false, "drop what earlier images hold");
DEFINE_string(lsm_profile, "", "security profile");
DEFINE_string(lsm_mount_context, "", "security context of mounts");
DEFINE_string(env, "", "a further variable, NAME=value");
DEFINE_bool(tty, false, "on a terminal of its own");
DEFINE_string(user, "", "UID or UID:GID");
DEFINE_string(additional_gids, "", "a further group");
DEFINE_string(process, "", "file with the process, as JSON: replaces program and flags");
DEFINE_string(process_label, "", "accepted: no label of the host's applies inside");
DEFINE_string(apparmor, "", "accepted: no profile of the host's applies inside");
DEFINE_bool(no_new_privs, false, "no program that it executes has more rights");
DEFINE_string(cap, "", "a further capability");
DEFINE_string(exec_cgroup, "", "accepted: it has its place inside the container");
DEFINE_bool(ignore_paused, false, "also in a paused container");
DEFINE_string(runtime, "runsc", "name of the runtime");
DEFINE_string(docker_config, "", "Docker's daemon.json (default: /etc/docker/daemon.json where Docker is)");
DEFINE_string(containerd_config, "", "containerd's config.toml (default: /etc/containerd/config.toml where it is)");
DEFINE_bool(help_wanted, false, "show this");
DEFINE_bool(version_wanted, false, "show the version");

namespace runsc {
namespace {

std::string gflag_name(const FlagName& flag) {
  std::string name = flag.gflag == nullptr ? flag.name : flag.gflag;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

gflags::CommandLineFlagInfo flag_info(const FlagName& flag) {
  return gflags::GetCommandLineFlagInfoOrDie(gflag_name(flag).c_str());
}

const FlagName* find_flag(const std::vector<FlagName>& allowed, const std::string& name) {
  const auto found = std::find_if(allowed.begin(), allowed.end(), [&](const FlagName& flag) {
    return name == flag.name || (name.size() == 1 && name[0] == flag.letter);
  });
  return found == allowed.end() ? nullptr : &*found;
}

std::map<std::string, std::vector<std::string>>& repeated_values() {
  static std::map<std::string, std::vector<std::string>> values;
  return values;
}

void set_flag(const FlagName& flag, const std::string& shown, const std::string& value) {
  if (flag.repeated) {
    repeated_values()[gflag_name(flag)].push_back(value);
    return;
  }
  if (gflags::SetCommandLineOption(gflag_name(flag).c_str(), value.c_str()).empty()) {
    throw UserError("invalid value \"" + value + "\" for flag " + shown);
  }
}

}  // namespace

std::size_t parse_flags(const std::vector<std::string>& words, std::size_t start,
                        const std::vector<FlagName>& allowed) {
  std::size_t i = start;
  while (i < words.size() && words[i].size() > 1 && words[i][0] == '-') {
    const std::string& word = words[i++];
    if (word == "--") break;
    const std::size_t dashes = word[1] == '-' ? 2 : 1;
    const std::size_t equals = word.find('=');
    const std::string shown = word.substr(0, equals);
    const FlagName* flag = find_flag(allowed, shown.substr(dashes));
    if (flag == nullptr) throw UserError("unknown flag " + shown);
    if (equals != std::string::npos) {
      set_flag(*flag, shown, word.substr(equals + 1));
    } else if (flag_info(*flag).type == "bool") {
      set_flag(*flag, shown, "true");
    } else {
      if (i == words.size()) throw UserError("flag " + shown + " needs a value");
      set_flag(*flag, shown, words[i++]);
    }
  }
  return i;
}

const std::vector<std::string>& repeated_flag(const std::string& gflag) { return repeated_values()[gflag]; }

std::string describe_flags(const std::vector<FlagName>& flags) {
  constexpr std::size_t kColumn = 30;
  std::string out;
  for (const FlagName& flag : flags) {
    const auto info = flag_info(flag);
    std::string left = std::string("  --") + flag.name;
    if (flag.letter != 0) left += std::string(", -") + flag.letter;
    if (info.type != "bool") left += info.type == "int32" ? " N" : " VALUE";
    left.resize(std::max(left.size() + 1, kColumn), ' ');
    out += left + info.description;
    const bool says_default = info.description.find("(default") != std::string::npos;
    if (info.type != "bool" && !info.default_value.empty() && !says_default)
      out += " (default " + info.default_value + ")";
    out += "\n";
  }
  return out;
}

}  // namespace runsc
