#include "boot/fs/proc/sysctl_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "boot/kernel/system_identity.h"

namespace runsc {
namespace {

using Kind = Sysctl::Kind;

constexpr Sysctl constant(std::string_view path, std::string_view value) { return {path, Kind::kConstant, value}; }
constexpr Sysctl number(std::string_view path, std::string_view initial, std::int64_t least = 0,
                        std::int64_t most = 0x7fffffff) {
  return {path, Kind::kNumbers, initial, least, most};
}
constexpr Sysctl text(std::string_view path, std::string_view initial) { return {path, Kind::kText, initial}; }
constexpr Sysctl computed(std::string_view path) { return {path, Kind::kComputed, ""}; }

constexpr std::int64_t kHuge = 0x7fffffffffffffff;

constexpr std::array kTable = {
    number("fs/aio-max-nr", "65536", 0, kHuge),
    constant("fs/aio-nr", "0"),
    constant("fs/dentry-state", "0\t0\t45\t0\t0\t0"),
    number("fs/file-max", "9223372036854775807", 0, kHuge),
    constant("fs/file-nr", "0\t0\t9223372036854775807"),
    constant("fs/inode-nr", "0\t0"),
    constant("fs/inode-state", "0\t0\t0\t0\t0\t0\t0"),
    number("fs/inotify/max_queued_events", "16384"),
    number("fs/inotify/max_user_instances", "128"),
    number("fs/inotify/max_user_watches", "1048576"),
    number("fs/lease-break-time", "45"),
    number("fs/leases-enable", "1", 0, 1),
    number("fs/mount-max", "100000", 1),
    number("fs/mqueue/msg_default", "10", 1, 65536),
    number("fs/mqueue/msg_max", "10", 1, 65536),
    number("fs/mqueue/msgsize_default", "8192", 128, 16777216),
    number("fs/mqueue/msgsize_max", "8192", 128, 16777216),
    number("fs/mqueue/queues_max", "256"),
    number("fs/nr_open", "1048576", 64, 2147483584),
    constant("fs/overflowgid", "65534"),
    constant("fs/overflowuid", "65534"),
    number("fs/pipe-max-size", "1048576", 4096),
    number("fs/pipe-user-pages-hard", "0"),
    number("fs/pipe-user-pages-soft", "16384"),
    number("fs/protected_fifos", "1", 0, 2),
    number("fs/protected_hardlinks", "1", 0, 1),
    number("fs/protected_regular", "2", 0, 2),
    number("fs/protected_symlinks", "1", 0, 1),
    number("fs/suid_dumpable", "0", 0, 2),
    number("kernel/auto_msgmni", "0", 0, 1),
    constant("kernel/bootloader_type", "0"),
    constant("kernel/cap_last_cap", "40"),
    text("kernel/core_pattern", "core"),
    number("kernel/core_pipe_limit", "0"),
    number("kernel/core_uses_pid", "0", 0, 1),
    number("kernel/ctrl-alt-del", "0"),
    number("kernel/dmesg_restrict", "1", 0, 1),
    computed("kernel/domainname"),
    computed("kernel/hostname"),
    number("kernel/io_uring_disabled", "2", 0, 2),
    number("kernel/keys/maxbytes", "20000"),
    number("kernel/keys/maxkeys", "200"),
    number("kernel/keys/root_maxbytes", "25000000"),
    number("kernel/keys/root_maxkeys", "1000000"),
    number("kernel/kptr_restrict", "1", 0, 2),
    number("kernel/msg_next_id", "-1", -1),
    number("kernel/msgmax", "8192"),
    number("kernel/msgmnb", "16384"),
    number("kernel/msgmni", "32000", 0, 32768),
    constant("kernel/ngroups_max", "65536"),
    computed("kernel/ns_last_pid"),
    constant("kernel/osrelease", kSystemRelease),
    constant("kernel/ostype", kSystemName),
    constant("kernel/overflowgid", "65534"),
    constant("kernel/overflowuid", "65534"),
    number("kernel/panic", "0", -0x7fffffff),
    number("kernel/panic_on_oops", "0", 0, 1),
    number("kernel/perf_event_max_sample_rate", "100000", 1),
    number("kernel/perf_event_mlock_kb", "516"),
    number("kernel/perf_event_paranoid", "3", -1, 4),
    constant("kernel/pid_max", "32768"),
    number("kernel/printk", "4\t4\t1\t7"),
    constant("kernel/random/boot_id", ""),
    constant("kernel/random/entropy_avail", "256"),
    constant("kernel/random/poolsize", "256"),
    constant("kernel/random/urandom_min_reseed_secs", "60"),
    computed("kernel/random/uuid"),
    number("kernel/random/write_wakeup_threshold", "256"),
    number("kernel/randomize_va_space", "2", 0, 2),
    number("kernel/sched_child_runs_first", "0", 0, 1),
    number("kernel/sched_rt_period_us", "1000000", 1),
    number("kernel/sched_rt_runtime_us", "950000", -1),
    number("kernel/sem", "32000\t1024000000\t500\t32000"),
    number("kernel/sem_next_id", "-1", -1),
    number("kernel/shm_next_id", "-1", -1),
    number("kernel/shm_rmid_forced", "0", 0, 1),
    number("kernel/shmall", "18446744073692774399", 0, kHuge),
    number("kernel/shmmax", "18446744073692774399", 0, kHuge),
    number("kernel/shmmni", "4096", 0, 32768),
    number("kernel/sysrq", "0"),
    constant("kernel/tainted", "0"),
    constant("kernel/threads-max", "32768"),
    number("kernel/unprivileged_bpf_disabled", "2", 0, 2),
    constant("kernel/version", kSystemVersion),
    number("kernel/yama/ptrace_scope", "0", 0, 3),
    text("net/core/default_qdisc", "noqueue"),
    number("net/core/netdev_max_backlog", "1000"),
    number("net/core/optmem_max", "131072"),
    number("net/core/rmem_default", "212992", 2304),
    number("net/core/rmem_max", "212992", 2304),
    number("net/core/somaxconn", "4096", 0, 0x7fffffff),
    number("net/core/wmem_default", "212992", 4608),
    number("net/core/wmem_max", "212992", 4608),
    number("net/ipv4/conf/all/forwarding", "0", 0, 1),
    number("net/ipv4/conf/all/rp_filter", "0", 0, 2),
    number("net/ipv4/conf/default/forwarding", "0", 0, 1),
    number("net/ipv4/conf/default/rp_filter", "0", 0, 2),
    number("net/ipv4/conf/lo/forwarding", "0", 0, 1),
    number("net/ipv4/icmp_echo_ignore_all", "0", 0, 1),
    number("net/ipv4/icmp_echo_ignore_broadcasts", "1", 0, 1),
    number("net/ipv4/ip_default_ttl", "64", 1, 255),
    number("net/ipv4/ip_forward", "0", 0, 1),
    number("net/ipv4/ip_local_port_range", "32768\t60999", 1, 65535),
    number("net/ipv4/ip_nonlocal_bind", "0", 0, 1),
    number("net/ipv4/ip_unprivileged_port_start", "1024", 0, 65535),
    number("net/ipv4/ping_group_range", "1\t0"),
    constant("net/ipv4/tcp_allowed_congestion_control", "reno cubic"),
    constant("net/ipv4/tcp_available_congestion_control", "reno cubic"),
    text("net/ipv4/tcp_congestion_control", "cubic"),
    number("net/ipv4/tcp_ecn", "2", 0, 2),
    number("net/ipv4/tcp_fastopen", "1"),
    number("net/ipv4/tcp_fin_timeout", "60"),
    number("net/ipv4/tcp_keepalive_intvl", "75"),
    number("net/ipv4/tcp_keepalive_probes", "9"),
    number("net/ipv4/tcp_keepalive_time", "7200"),
    number("net/ipv4/tcp_max_orphans", "65536"),
    number("net/ipv4/tcp_max_syn_backlog", "512"),
    number("net/ipv4/tcp_max_tw_buckets", "65536"),
    number("net/ipv4/tcp_mem", "94230\t125643\t188460", 0, kHuge),
    number("net/ipv4/tcp_mtu_probing", "0", 0, 2),
    number("net/ipv4/tcp_orphan_retries", "0", 0, 255),
    number("net/ipv4/tcp_retries1", "3", 0, 255),
    number("net/ipv4/tcp_retries2", "15", 0, 255),
    number("net/ipv4/tcp_rmem", "4096\t131072\t6291456", 1),
    number("net/ipv4/tcp_sack", "1", 0, 1),
    number("net/ipv4/tcp_slow_start_after_idle", "1", 0, 1),
    number("net/ipv4/tcp_syn_retries", "6", 1, 127),
    number("net/ipv4/tcp_synack_retries", "5", 0, 255),
    number("net/ipv4/tcp_syncookies", "1", 0, 2),
    number("net/ipv4/tcp_timestamps", "1", 0, 2),
    number("net/ipv4/tcp_tw_reuse", "2", 0, 2),
    number("net/ipv4/tcp_window_scaling", "1", 0, 1),
    number("net/ipv4/tcp_wmem", "4096\t16384\t4194304", 1),
    number("net/ipv4/udp_mem", "188460\t251286\t376920", 0, kHuge),
    number("net/ipv6/bindv6only", "0", 0, 1),
    number("net/ipv6/conf/all/accept_dad", "0"),
    number("net/ipv6/conf/all/disable_ipv6", "0", 0, 1),
    number("net/ipv6/conf/all/forwarding", "0", 0, 1),
    number("net/ipv6/conf/default/accept_dad", "1"),
    number("net/ipv6/conf/default/disable_ipv6", "0", 0, 1),
    number("net/ipv6/conf/default/forwarding", "0", 0, 1),
    number("net/ipv6/conf/lo/disable_ipv6", "0", 0, 1),
    number("net/unix/max_dgram_qlen", "512"),
    number("user/max_cgroup_namespaces", "0"),
    number("user/max_inotify_instances", "128"),
    number("user/max_inotify_watches", "1048576"),
    number("user/max_ipc_namespaces", "0"),
    number("user/max_mnt_namespaces", "127000"),
    number("user/max_net_namespaces", "0"),
    number("user/max_pid_namespaces", "127000"),
    number("user/max_user_namespaces", "0"),
    number("user/max_uts_namespaces", "127000"),
    number("vm/admin_reserve_kbytes", "8192"),
    number("vm/dirty_background_bytes", "0"),
    number("vm/dirty_background_ratio", "10", 0, 100),
    number("vm/dirty_bytes", "0"),
    number("vm/dirty_expire_centisecs", "3000"),
    number("vm/dirty_ratio", "20", 0, 100),
    number("vm/dirty_writeback_centisecs", "500"),
    number("vm/drop_caches", "0", 0, 4),
    constant("vm/legacy_va_layout", "0"),
    constant("vm/max_map_count", "65530"),
    number("vm/min_free_kbytes", "67584"),
    constant("vm/mmap_min_addr", "65536"),
    number("vm/nr_hugepages", "0", 0, 0),
    number("vm/oom_dump_tasks", "1", 0, 1),
    number("vm/oom_kill_allocating_task", "0", 0, 1),
    number("vm/overcommit_kbytes", "0"),
    number("vm/overcommit_memory", "0", 0, 2),
    number("vm/overcommit_ratio", "50"),
    number("vm/page-cluster", "3"),
    number("vm/panic_on_oom", "0", 0, 2),
    number("vm/swappiness", "60", 0, 200),
    number("vm/user_reserve_kbytes", "131072"),
    number("vm/vfs_cache_pressure", "100"),
};

// The next word of `text`, which loses it; empty at the end.
std::string_view next_word(std::string_view& text) {
  constexpr std::string_view kBlanks = " \t\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

Result<std::string> parse_numbers(const Sysctl& sysctl, std::string_view text) {
  std::string_view initial = sysctl.initial;
  std::string out;
  while (!next_word(initial).empty()) {
    const std::string_view word = next_word(text);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) return Errno(EINVAL);
    if (value < sysctl.least || value > sysctl.most) return Errno(EINVAL);
    out += (out.empty() ? "" : "\t") + std::to_string(value);
  }
  if (!next_word(text).empty()) return Errno(EINVAL);
  return out;
}

}  // namespace

std::span<const Sysctl> sysctl_table() { return kTable; }

const Sysctl* find_sysctl(std::string_view path) {
  const auto it = std::find_if(kTable.begin(), kTable.end(), [&](const Sysctl& each) { return each.path == path; });
  return it != kTable.end() ? it : nullptr;
}

Result<std::string> parse_sysctl(const Sysctl& sysctl, std::string_view text) {
  constexpr std::size_t kLongestText = 127;
  switch (sysctl.kind) {
    case Kind::kNumbers:
      return parse_numbers(sysctl, text);
    case Kind::kText:
      return std::string(text.substr(0, std::min(text.find('\n'), kLongestText)));
    default:
      return Errno(EPERM);
  }
}

}  // namespace runsc
