// The "linux.resources" object.
#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

DeviceRule parse_device_rule(const JsonReader& from) {
  DeviceRule rule;
  rule.allow = from.boolean_or("allow", false);
  rule.type = from.string_or("type", "");
  if (rule.type.size() > 1 || std::string("acb").find(rule.type) == std::string::npos) {
    from.at("type").fail("unknown device type " + in_quotes(rule.type));
  }
  rule.major = from.optional_integer<std::int64_t>("major");
  rule.minor = from.optional_integer<std::int64_t>("minor");
  rule.access = from.string_or("access", "");
  if (rule.access.find_first_not_of("rwm") != std::string::npos) {
    from.at("access").fail(in_quotes(rule.access) + " is not made of r, w and m");
  }
  return rule;
}

MemoryResources parse_memory(const JsonReader& from) {
  return {.limit = from.optional_integer<std::int64_t>("limit"),
          .reservation = from.optional_integer<std::int64_t>("reservation"),
          .swap = from.optional_integer<std::int64_t>("swap"),
          .swappiness = from.optional_integer<std::uint64_t>("swappiness"),
          .disable_oom_killer = from.boolean_or("disableOOMKiller", false),
          .check_before_update = from.boolean_or("checkBeforeUpdate", false)};
}

CpuResources parse_cpu(const JsonReader& from) {
  return {.shares = from.optional_integer<std::uint64_t>("shares"),
          .quota = from.optional_integer<std::int64_t>("quota"),
          .burst = from.optional_integer<std::uint64_t>("burst"),
          .period = from.optional_integer<std::uint64_t>("period"),
          .idle = from.optional_integer<std::int64_t>("idle"),
          .realtime_runtime = from.optional_integer<std::int64_t>("realtimeRuntime"),
          .realtime_period = from.optional_integer<std::uint64_t>("realtimePeriod"),
          .cpus = from.string_or("cpus", ""),
          .mems = from.string_or("mems", "")};
}

std::vector<ThrottleDevice> parse_throttles(const JsonReader& from, const char* key) {
  std::vector<ThrottleDevice> out;
  const auto list = from.find(key);
  if (!list) return out;
  for (const JsonReader& element : list->elements()) {
    out.push_back({element.at("major").integer<std::int64_t>(), element.at("minor").integer<std::int64_t>(),
                   element.at("rate").integer<std::uint64_t>()});
  }
  return out;
}

BlockIoResources parse_block_io(const JsonReader& from) {
  BlockIoResources out;
  out.weight = from.optional_integer<std::uint16_t>("weight");
  out.leaf_weight = from.optional_integer<std::uint16_t>("leafWeight");
  if (const auto list = from.find("weightDevice")) {
    for (const JsonReader& element : list->elements()) {
      out.weight_devices.push_back(
          {element.at("major").integer<std::int64_t>(), element.at("minor").integer<std::int64_t>(),
           element.optional_integer<std::uint16_t>("weight"), element.optional_integer<std::uint16_t>("leafWeight")});
    }
  }
  out.read_bps = parse_throttles(from, "throttleReadBpsDevice");
  out.write_bps = parse_throttles(from, "throttleWriteBpsDevice");
  out.read_iops = parse_throttles(from, "throttleReadIOPSDevice");
  out.write_iops = parse_throttles(from, "throttleWriteIOPSDevice");
  return out;
}

NetworkResources parse_network(const JsonReader& from) {
  NetworkResources out;
  out.class_id = from.optional_integer<std::uint32_t>("classID");
  if (const auto list = from.find("priorities")) {
    for (const JsonReader& element : list->elements()) {
      out.priorities.push_back({element.at("name").string(), element.at("priority").integer<std::uint32_t>()});
    }
  }
  return out;
}

}  // namespace

Resources parse_resources(const JsonReader& from) {
  Resources out;
  if (const auto list = from.find("devices")) {
    for (const JsonReader& element : list->elements()) out.devices.push_back(parse_device_rule(element));
  }
  if (const auto memory = from.find("memory")) out.memory = parse_memory(*memory);
  if (const auto cpu = from.find("cpu")) out.cpu = parse_cpu(*cpu);
  if (const auto pids = from.find("pids")) out.pids_limit = pids->optional_integer<std::int64_t>("limit");
  if (const auto block_io = from.find("blockIO")) out.block_io = parse_block_io(*block_io);
  if (const auto list = from.find("hugepageLimits")) {
    for (const JsonReader& element : list->elements()) {
      out.hugepage_limits.push_back({element.at("pageSize").string(), element.at("limit").integer<std::uint64_t>()});
    }
  }
  if (const auto network = from.find("network")) out.network = parse_network(*network);
  if (const auto unified = from.find("unified")) {
    for (const auto& [key, value] : unified->members()) {
      const bool is_file = !key.empty() && key != "." && key != ".." && key.find('/') == std::string::npos;
      if (!is_file) value.fail(in_quotes(key) + " is no file of a cgroup: it must be a name without a slash");
      out.unified[key] = value.string();
    }
  }
  return out;
}

}  // namespace runsc::oci
