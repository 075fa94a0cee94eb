#include <array>

#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"

namespace runsc {
namespace {

struct Row {
  const char* name;
  const char* unit;
};
// By RLIMIT_*.
constexpr std::array<Row, RLIM_NLIMITS> kRows = {{{"Max cpu time", "seconds"},
                                                  {"Max file size", "bytes"},
                                                  {"Max data size", "bytes"},
                                                  {"Max stack size", "bytes"},
                                                  {"Max core file size", "bytes"},
                                                  {"Max resident set", "bytes"},
                                                  {"Max processes", "processes"},
                                                  {"Max open files", "files"},
                                                  {"Max locked memory", "bytes"},
                                                  {"Max address space", "bytes"},
                                                  {"Max file locks", "locks"},
                                                  {"Max pending signals", "signals"},
                                                  {"Max msgqueue size", "bytes"},
                                                  {"Max nice priority", nullptr},
                                                  {"Max realtime priority", nullptr},
                                                  {"Max realtime timeout", "us"}}};

std::string value(std::uint64_t limit) { return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit); }

}  // namespace

Result<std::string> show_limits(const ProcessView& view) {
  const LimitTable table = view.group().limits().all();
  std::string out = "Limit                     Soft Limit           Hard Limit           Units     \n";
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    append_format(out, "%-25s %-20s %-20s ", kRows[i].name, value(table.values[i].soft).c_str(),
                  value(table.values[i].hard).c_str());
    if (kRows[i].unit != nullptr) append_format(out, "%-10s", kRows[i].unit);
    out += '\n';
  }
  return out;
}

}  // namespace runsc
