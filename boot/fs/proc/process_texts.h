// The text files of one process (proc(5)), each as its reader shall see it. ESRCH from gathering is the caller's.
#pragma once

#include "boot/fs/proc/process_view.h"

namespace runsc {

// process_stat.cc
Result<std::string> show_stat(const ProcessView& view);
Result<std::string> show_statm(const ProcessView& view);
// process_status.cc
Result<std::string> show_status(const ProcessView& view);
// process_strings.cc
Result<std::string> show_cmdline(const ProcessView& view);
Result<std::string> show_environ(const ProcessView& view);
Result<std::string> show_auxv(const ProcessView& view);
Result<std::string> show_comm(const ProcessView& view);
Result<void> store_comm(const ProcessView& view, std::string_view text);
// process_maps.cc
Result<std::string> show_maps(const ProcessView& view);
// process_smaps.cc
Result<std::string> show_smaps(const ProcessView& view);
Result<std::string> show_smaps_rollup(const ProcessView& view);
// process_limits.cc
Result<std::string> show_limits(const ProcessView& view);
// process_mounts.cc
Result<std::string> show_mounts(const ProcessView& view);
Result<std::string> show_mountinfo(const ProcessView& view);
Result<std::string> show_mountstats(const ProcessView& view);
// process_oom.cc
Result<std::string> show_oom_score(const ProcessView& view);
Result<std::string> show_oom_score_adj(const ProcessView& view);
Result<void> store_oom_score_adj(const ProcessView& view, std::string_view text);
Result<std::string> show_oom_adj(const ProcessView& view);
Result<void> store_oom_adj(const ProcessView& view, std::string_view text);
// process_accounts.cc
Result<std::string> show_io(const ProcessView& view);
Result<std::string> show_sched(const ProcessView& view);
Result<std::string> show_schedstat(const ProcessView& view);
Result<std::string> show_wchan(const ProcessView& view);
Result<std::string> show_personality(const ProcessView& view);
Result<std::string> show_timerslack(const ProcessView& view);
Result<void> store_timerslack(const ProcessView& view, std::string_view text);
Result<std::string> show_coredump_filter(const ProcessView& view);
Result<std::string> show_children(const ProcessView& view);
Result<std::string> show_syscall(const ProcessView& view);
// process_id_maps.cc
Result<std::string> show_uid_map(const ProcessView& view);
Result<void> store_uid_map(const ProcessView& view, std::string_view text);
Result<std::string> show_gid_map(const ProcessView& view);
Result<void> store_gid_map(const ProcessView& view, std::string_view text);
Result<std::string> show_projid_map(const ProcessView& view);
Result<std::string> show_setgroups(const ProcessView& view);
Result<void> store_setgroups(const ProcessView& view, std::string_view text);
// Through whose eyes the present call looks.
UserNamespacePtr user_namespace_of_reader();
// process_identity.cc
Result<std::string> show_loginuid(const ProcessView& view);
Result<std::string> show_sessionid(const ProcessView& view);
Result<std::string> show_cgroup(const ProcessView& view);
Result<std::string> show_cpuset(const ProcessView& view);

}  // namespace runsc
