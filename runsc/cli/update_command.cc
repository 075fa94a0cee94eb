#include <iostream>
#include <iterator>

#include "runsc/cli/command.h"
#include "runsc/cli/messages.h"
#include "runsc/cli/values.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/json_reader.h"
#include "sandbox/update_container.h"

namespace runsc {
namespace {

using nlohmann::json;

json read_document(const std::string& path) {
  if (path != "-") return oci::read_json_file(path, path);
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) throw UserError("--resources: the standard input is not JSON");
  return document;
}

struct FlagField {
  const char* name;
  const std::string& value;
  const char* group;
  const char* field;
  enum { kNumber, kBytes, kText } kind;
};

json document_from_flags() {
  const FlagField fields[] = {
      {"blkio-weight", FLAGS_blkio_weight, "blockIO", "weight", FlagField::kNumber},
      {"cpu-period", FLAGS_cpu_period, "cpu", "period", FlagField::kNumber},
      {"cpu-quota", FLAGS_cpu_quota, "cpu", "quota", FlagField::kNumber},
      {"cpu-burst", FLAGS_cpu_burst, "cpu", "burst", FlagField::kNumber},
      {"cpu-share", FLAGS_cpu_share, "cpu", "shares", FlagField::kNumber},
      {"cpu-rt-period", FLAGS_cpu_rt_period, "cpu", "realtimePeriod", FlagField::kNumber},
      {"cpu-rt-runtime", FLAGS_cpu_rt_runtime, "cpu", "realtimeRuntime", FlagField::kNumber},
      {"cpu-idle", FLAGS_cpu_idle, "cpu", "idle", FlagField::kNumber},
      {"cpuset-cpus", FLAGS_cpuset_cpus, "cpu", "cpus", FlagField::kText},
      {"cpuset-mems", FLAGS_cpuset_mems, "cpu", "mems", FlagField::kText},
      {"memory", FLAGS_memory, "memory", "limit", FlagField::kBytes},
      {"memory-reservation", FLAGS_memory_reservation, "memory", "reservation", FlagField::kBytes},
      {"memory-swap", FLAGS_memory_swap, "memory", "swap", FlagField::kBytes},
      {"pids-limit", FLAGS_pids_limit, "pids", "limit", FlagField::kNumber},
  };
  json document = json::object();
  for (const FlagField& field : fields) {
    if (field.value.empty()) continue;
    json& place = document[field.group][field.field];
    if (field.kind == FlagField::kText) {
      place = field.value;
    } else {
      place = field.kind == FlagField::kBytes ? parse_bytes(field.name, field.value)
                                              : parse_number(field.name, field.value);
    }
  }
  return document;
}

int update(const Words& words, const RuntimeOptions& options) {
  ContainerStore store(options.root);
  store.load(words[0]);
  ContainerLock lock(options.root, words[0]);
  const ContainerState state = store.load(words[0]);
  if (!FLAGS_l3_cache_schema.empty()) throw UserError("Intel RDT/CAT: l3 cache schema is not enabled");
  if (!FLAGS_mem_bw_schema.empty()) throw UserError("Intel RDT/MBA: memory bandwidth schema is not enabled");
  if (!FLAGS_kernel_memory.empty() || !FLAGS_kernel_memory_tcp.empty()) {
    messages().warning("Kernel memory settings are ignored and will be removed");
  }
  const bool by_document = !FLAGS_resources.empty();
  update_container(store, state, by_document ? read_document(FLAGS_resources) : document_from_flags(),
                   by_document ? "--resources" : "update");
  return 0;
}

}  // namespace

Command update_command() {
  return {.name = "update",
          .arguments = "<container-id>",
          .summary = "change the limits of a container",
          .flags = {{"resources", 'r'},
                    {"blkio-weight"},
                    {"cpu-period"},
                    {"cpu-quota"},
                    {"cpu-burst"},
                    {"cpu-share"},
                    {"cpu-rt-period"},
                    {"cpu-rt-runtime"},
                    {"cpu-idle"},
                    {"cpuset-cpus"},
                    {"cpuset-mems"},
                    {"memory"},
                    {"memory-reservation"},
                    {"memory-swap"},
                    {"kernel-memory"},
                    {"kernel-memory-tcp"},
                    {"pids-limit"},
                    {"l3-cache-schema"},
                    {"mem-bw-schema"}},
          .min_words = 1,
          .max_words = 1,
          .run = update};
}

}  // namespace runsc
