// The loopback device, which every sandbox has.
#include <array>

#include "boot/fs/sys/sys_file_system.h"

namespace runsc {
namespace {

struct Value {
  const char* name;
  const char* value;
};
constexpr std::array kLoopback = {
    Value{"addr_assign_type", "0"},   Value{"addr_len", "6"},     Value{"address", "00:00:00:00:00:00"},
    Value{"broadcast", "00:00:00:00:00:00"}, Value{"carrier", "1"},  Value{"carrier_changes", "0"},
    Value{"dev_id", "0x0"},           Value{"dev_port", "0"},     Value{"dormant", "0"},
    Value{"flags", "0x9"},            Value{"ifalias", ""},       Value{"ifindex", "1"},
    Value{"iflink", "1"},             Value{"link_mode", "0"},    Value{"mtu", "65536"},
    Value{"name_assign_type", "2"},   Value{"netdev_group", "0"}, Value{"operstate", "unknown"},
    Value{"proto_down", "0"},         Value{"tx_queue_len", "1000"}, Value{"type", "772"},
    Value{"uevent", "INTERFACE=lo\nIFINDEX=1"}};

constexpr std::array kCounters = {"collisions",     "multicast",        "rx_bytes",   "rx_compressed", "rx_crc_errors",
                                  "rx_dropped",     "rx_errors",        "rx_packets", "tx_bytes",      "tx_compressed",
                                  "tx_carrier_errors", "tx_dropped",    "tx_errors",  "tx_packets"};

FixedDirectory& directory(FixedDirectory& parent, const char* name) {
  const Result<InodePtr> found = parent.lookup(name);
  return found.ok() ? static_cast<FixedDirectory&>(**found) : parent.add_directory(name, 0755);
}

}  // namespace

void add_network(FixedDirectory& root) {
  FixedDirectory& net = directory(directory(directory(root, "devices"), "virtual"), "net");
  FixedDirectory& lo = net.add_directory("lo", 0755);
  for (const Value& each : kLoopback) add_value(lo, each.name, each.value);
  FixedDirectory& statistics = lo.add_directory("statistics", 0755);
  for (const char* name : kCounters) add_value(statistics, name, "0");
  lo.add_link("subsystem", "../../../../class/net");
  directory(directory(root, "class"), "net").add_link("lo", "../../devices/virtual/net/lo");
}

}  // namespace runsc
