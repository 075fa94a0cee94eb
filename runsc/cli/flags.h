// The flags of the command line. gflags holds their definitions, types, defaults and values; parse_flags() reads the
// command line, since gflags knows neither subcommands nor dashes in names.
#pragma once

#include <gflags/gflags_declare.h>

#include <string>
#include <vector>

// Global flags: before the command.
DECLARE_string(root);
DECLARE_string(log);
DECLARE_string(log_format);
DECLARE_bool(debug);
DECLARE_string(debug_log);
DECLARE_bool(oci_seccomp);
DECLARE_bool(strace);
DECLARE_string(platform);
DECLARE_string(network);
DECLARE_string(file_access);
DECLARE_string(overlay2);
DECLARE_string(rootless);
DECLARE_bool(systemd_cgroup);
DECLARE_bool(ignore_cgroups);

// Flags of commands. Several commands may share one.
DECLARE_string(bundle);
DECLARE_bool(detach);
DECLARE_string(pid_file);
DECLARE_string(console_socket);
DECLARE_string(pidfd_socket);
DECLARE_bool(keep);
DECLARE_bool(no_pivot);
DECLARE_bool(no_new_keyring);
DECLARE_bool(no_subreaper);
DECLARE_int32(preserve_fds);
DECLARE_bool(force);
DECLARE_bool(all);
DECLARE_bool(quiet);
DECLARE_string(format);
DECLARE_bool(stats);
DECLARE_string(interval);
DECLARE_string(resources);
DECLARE_string(blkio_weight);
DECLARE_string(cpu_period);
DECLARE_string(cpu_quota);
DECLARE_string(cpu_burst);
DECLARE_string(cpu_share);
DECLARE_string(cpu_rt_period);
DECLARE_string(cpu_rt_runtime);
DECLARE_string(cpu_idle);
DECLARE_string(cpuset_cpus);
DECLARE_string(cpuset_mems);
DECLARE_string(memory);
DECLARE_string(memory_reservation);
DECLARE_string(memory_swap);
DECLARE_string(kernel_memory);
DECLARE_string(kernel_memory_tcp);
DECLARE_string(pids_limit);
DECLARE_string(l3_cache_schema);
DECLARE_string(mem_bw_schema);
DECLARE_bool(stacks);
DECLARE_string(log_level);
DECLARE_int32(pid);
DECLARE_bool(spec_rootless);
DECLARE_string(cwd);
DECLARE_string(process);
DECLARE_string(user);
DECLARE_bool(tty);
DECLARE_bool(no_new_privs);
DECLARE_bool(ignore_paused);
DECLARE_string(runtime);
DECLARE_string(docker_config);
DECLARE_string(containerd_config);
DECLARE_bool(help_wanted);
DECLARE_bool(version_wanted);

namespace runsc {

// One flag as a command takes it.
struct FlagName {
  const char* name;             // "pid-file"
  char letter = 0;              // 'd' for -d; 0: none
  const char* gflag = nullptr;  // the definition's name, where it is not `name` with underscores
  bool repeated = false;        // its values are those of repeated_flag(gflag)
};

// Reads flags from words[start..]; ends at the first word that is no flag, or behind "--". Returns the index of the
// first word not read. `--name value`, `--name=value`, `-name` (one dash, as in Go programs), `-n value`, booleans
// without a value or with "=true". Throws UserError for an unknown flag, a missing or a malformed value.
std::size_t parse_flags(const std::vector<std::string>& words, std::size_t start, const std::vector<FlagName>& allowed);

// What was given for a repeated flag, in order.
const std::vector<std::string>& repeated_flag(const std::string& gflag);

// "  --pid-file string   description\n" for each.
std::string describe_flags(const std::vector<FlagName>& flags);

}  // namespace runsc
