#include "sandbox/gofer_entry.h"

#include <string>
#include <utility>

#include "boot/startup_report.h"
#include "gofer/filter/filter.h"
#include "gofer/server/gofer.h"

namespace runsc {

int serve_gofer(GoferEntry entry) {
  const int report = entry.report.get();
  std::vector<gofer::GoferMount> mounts;
  for (GoferEntry::Mount& mount : entry.mounts) {
    gofer::MountPolicy policy;
    policy.read_only = mount.read_only;
    mounts.push_back({std::move(mount.connection), std::move(mount.root), policy});
  }
  gofer::GoferOptions options;
  options.proc_self_fd = std::move(entry.proc_self_fd);
  options.install_filter = [report](int proc_self_fd) -> Result<void> {
    const auto result = gofer::install_gofer_filter(proc_self_fd);
    if (!result.ok()) report_failure(report, "filter", std::string("seccomp: ") + errno_name(result.error()));
    return result;
  };
  return gofer::run_gofer(std::move(mounts), std::move(options));
}

}  // namespace runsc
