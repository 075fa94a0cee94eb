#include "sandbox/cgroup/unit_properties.h"

#include <charconv>
#include <optional>

#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/limits.h"

namespace runsc {
namespace {

void add_number(std::vector<UnitProperty>& out, const char* name, std::uint64_t value) {
  out.push_back({name, "t", {std::to_string(value)}});
}

std::uint64_t number_or_infinity(std::int64_t value) {
  return value < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(value);
}

void add_cpu(std::vector<UnitProperty>& out, const oci::CpuResources& cpu, bool unified) {
  if (is_set(cpu.shares)) {
    add_number(out, unified ? "CPUWeight" : "CPUShares", unified ? cpu_weight_from_shares(*cpu.shares) : *cpu.shares);
  }
  if (!is_set(cpu.quota) && !is_set(cpu.period)) return;
  const std::uint64_t period = is_set(cpu.period) ? *cpu.period : 100000;
  if (is_set(cpu.period)) add_number(out, "CPUQuotaPeriodUSec", period);
  std::uint64_t per_second = ~std::uint64_t{0};
  if (cpu.quota.value_or(0) > 0) {
    per_second = static_cast<std::uint64_t>(*cpu.quota) * 1000000 / period;
    // systemd knows whole percents: up, never below what was asked for.
    per_second = (per_second + 9999) / 10000 * 10000;
  }
  add_number(out, "CPUQuotaPerSecUSec", per_second);
}

void add_memory(std::vector<UnitProperty>& out, const oci::MemoryResources& memory, bool unified) {
  if (is_set(memory.limit)) add_number(out, unified ? "MemoryMax" : "MemoryLimit", number_or_infinity(*memory.limit));
  if (!unified) return;
  if (is_set(memory.reservation)) add_number(out, "MemoryLow", number_or_infinity(*memory.reservation));
  if (const auto swap = swap_max_from_memsw(memory.swap, memory.limit)) {
    add_number(out, "MemorySwapMax", number_or_infinity(*swap));
  }
}

// "0,2-3" of processors or memory nodes as systemd takes them: a bit each, in bytes.
void add_set(std::vector<UnitProperty>& out, const char* name, const std::string& list) {
  const std::vector<unsigned> bytes = bytes_of_list(list);
  // An odd list is the kernel's to refuse, with its own words.
  if (bytes.empty()) return;
  UnitProperty property{name, "ay", {std::to_string(bytes.size())}};
  for (const unsigned byte : bytes) property.values.push_back(std::to_string(byte));
  out.push_back(property);
}

// "max" or a number, as the files of version 2 have it. Nothing: neither, which the kernel is to refuse.
std::optional<std::uint64_t> number_or_max_of(const std::string& text) {
  if (text == "max") return ~std::uint64_t{0};
  std::uint64_t out = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && rest == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

// cpu.max: "25000 100000", "max".
void add_cpu_max(std::vector<UnitProperty>& out, const std::string& value) {
  oci::CpuResources cpu;
  const std::size_t blank = value.find(' ');
  const auto quota = number_or_max_of(value.substr(0, blank));
  const auto period = blank == std::string::npos ? 100000 : number_or_max_of(value.substr(blank + 1));
  if (!quota || !period) return;
  // "max" is -1 here.
  cpu.quota = static_cast<std::int64_t>(*quota);
  cpu.period = *period;
  add_cpu(out, cpu, true);
}

// The files that systemd has a property for: it writes them again when it reloads its own.
void add_unified(std::vector<UnitProperty>& out, const std::string& file, const std::string& value) {
  struct Known {
    const char* file;
    const char* property;
  };
  static constexpr Known kNumbers[] = {{"cpu.weight", "CPUWeight"}, {"memory.min", "MemoryMin"},
                                       {"memory.low", "MemoryLow"}, {"memory.high", "MemoryHigh"},
                                       {"memory.max", "MemoryMax"}, {"memory.swap.max", "MemorySwapMax"},
                                       {"pids.max", "TasksMax"}};
  if (file == "cpu.max") add_cpu_max(out, value);
  if (file == "cpuset.cpus") add_set(out, "AllowedCPUs", value);
  if (file == "cpuset.mems") add_set(out, "AllowedMemoryNodes", value);
  for (const Known& known : kNumbers) {
    const auto number = number_or_max_of(value);
    if (file == known.file && number) add_number(out, known.property, *number);
  }
}

}  // namespace

std::vector<UnitProperty> unit_properties(const oci::Resources& resources, bool unified) {
  std::vector<UnitProperty> out;
  add_cpu(out, resources.cpu, unified);
  if (unified) {
    add_set(out, "AllowedCPUs", resources.cpu.cpus);
    add_set(out, "AllowedMemoryNodes", resources.cpu.mems);
  }
  add_memory(out, resources.memory, unified);
  if (is_set(resources.pids_limit)) {
    add_number(out, "TasksMax", number_or_infinity(host_pids_limit(*resources.pids_limit)));
  }
  if (is_set(resources.block_io.weight)) {
    const std::uint64_t weight = *resources.block_io.weight;
    add_number(out, unified ? "IOWeight" : "BlockIOWeight", unified ? io_weight_from_blkio(weight) : weight);
  }
  for (const auto& [file, value] : resources.unified) add_unified(out, file, value);
  return out;
}

}  // namespace runsc
