#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

using Rows = std::vector<std::vector<std::string>>;

int shown_pid(const ContainerState& state) { return state.status_now() == Status::kStopped ? 0 : state.init().pid; }

void print_table(const std::vector<ContainerState>& states) {
  Rows rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const ContainerState& state : states) {
    rows.push_back({state.id, std::to_string(shown_pid(state)), status_name(state.status_now()), state.bundle,
                    state.created, state.owner});
  }
  std::vector<std::size_t> widths(rows[0].size(), 0);
  // The columns of runc: at least 12 wide, three blanks after the longest.
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max({widths[i], row[i].size() + 3, std::size_t{12}});
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size(), ' ');
    }
    std::puts(line.c_str());
  }
}

void print_json(const std::vector<ContainerState>& states) {
  nlohmann::ordered_json out;  // null when there is none, as callers know it
  for (const ContainerState& state : states) {
    nlohmann::ordered_json entry;
    entry["ociVersion"] = "1.2.0";
    entry["id"] = state.id;
    entry["pid"] = shown_pid(state);
    entry["status"] = status_name(state.status_now());
    entry["bundle"] = state.bundle;
    entry["rootfs"] = state.rootfs;
    entry["created"] = state.created;
    if (!state.annotations.empty()) entry["annotations"] = state.annotations;
    entry["owner"] = state.owner;
    out.push_back(entry);
  }
  std::puts(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

int list(const Words&, const RuntimeOptions& options) {
  const auto states = ContainerStore(options.root).list();
  if (FLAGS_quiet) {
    for (const ContainerState& state : states) std::puts(state.id.c_str());
  } else if (FLAGS_format == "json") {
    print_json(states);
  } else if (FLAGS_format == "table") {
    print_table(states);
  } else {
    throw UserError("invalid format option");
  }
  return 0;
}

}  // namespace

Command list_command() {
  return {.name = "list",
          .arguments = "",
          .summary = "list the containers",
          .flags = {{"format", 'f'}, {"quiet", 'q'}},
          .min_words = 0,
          .max_words = 0,
          .run = list};
}

}  // namespace runsc
