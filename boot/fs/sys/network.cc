// Network interfaces: /sys/class/net and /sys/devices/virtual/net. What exists and what it is like is asked for each
// time; without a network there is a loopback.
#include <dirent.h>
#include <net/if.h>

#include <array>
#include <cstdio>
#include <sstream>

#include "boot/fs/sys/sys_file_system.h"

namespace runsc {
namespace {

constexpr unsigned kEtherType = 1;   // ARPHRD_ETHER
constexpr unsigned kLoopType = 772;  // ARPHRD_LOOPBACK

// What is the same for all, as they are all made by software (veth, bridge, loopback).
struct Value {
  const char* name;
  const char* value;
};
constexpr std::array kConstants = {
    Value{"addr_assign_type", "0"}, Value{"addr_len", "6"},     Value{"carrier_changes", "0"}, Value{"dev_id", "0x0"},
    Value{"dev_port", "0"},         Value{"dormant", "0"},      Value{"ifalias", ""},          Value{"link_mode", "0"},
    Value{"name_assign_type", "2"}, Value{"netdev_group", "0"}, Value{"proto_down", "0"},      Value{"testing", "0"}};

// In the order of the columns of /proc/net/dev.
constexpr std::array kCounters = {"rx_bytes",       "rx_packets",      "rx_errors",         "rx_dropped",
                                  "rx_fifo_errors", "rx_frame_errors", "rx_compressed",     "multicast",
                                  "tx_bytes",       "tx_packets",      "tx_errors",         "tx_dropped",
                                  "tx_fifo_errors", "collisions",      "tx_carrier_errors", "tx_compressed"};

NetworkInterface loopback() {
  return {
      .index = 1, .flags = IFF_UP | IFF_LOOPBACK, .type = kLoopType, .mtu = 65536, .queue_length = 1000, .address = {}};
}

Result<NetworkInterface> find_interface(const VfsServices& services, const std::string& name) {
  if (services.network_interface) return services.network_interface(name);
  if (name == "lo") return loopback();
  return Errno(ENODEV);
}

// A line of /proc/net/dev: "  eth0:  736  9 ..".
struct Counted {
  std::string name;
  std::array<std::string, kCounters.size()> values;
};

std::vector<Counted> counted_interfaces(const VfsServices& services) {
  std::vector<Counted> out;
  const Result<std::string> table = services.network_table ? services.network_table("dev") : Errno(ENOENT);
  if (!table.ok()) {
    Counted lo{.name = "lo", .values = {}};
    lo.values.fill("0");
    return {lo};
  }
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.rfind(':');  // an alias has a colon in its name
    const std::size_t start = line.find_first_not_of(' ');
    if (colon == std::string::npos || start >= colon) continue;
    Counted each{.name = line.substr(start, colon - start), .values = {}};
    std::istringstream columns(line.substr(colon + 1));
    for (std::string& value : each.values) columns >> value;
    out.push_back(std::move(each));
  }
  return out;
}

std::string hexadecimal(unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string hardware_address(const std::array<std::uint8_t, 6>& bytes) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                bytes[5]);
  return text;
}

std::string broadcast_address(const NetworkInterface& of) {
  return of.type == kEtherType ? "ff:ff:ff:ff:ff:ff" : "00:00:00:00:00:00";
}

std::string operational_state(const NetworkInterface& of) {
  if (of.type == kLoopType) return "unknown";
  return (of.flags & IFF_RUNNING) != 0 ? "up" : "down";
}

struct Fact {
  const char* name;
  std::string (*text)(const NetworkInterface&);
};
const std::array kFacts = {
    Fact{"address", [](const NetworkInterface& of) { return hardware_address(of.address); }},
    Fact{"broadcast", broadcast_address},
    Fact{"carrier",
         [](const NetworkInterface& of) -> std::string { return (of.flags & IFF_RUNNING) != 0 ? "1" : "0"; }},
    Fact{"flags",
         [](const NetworkInterface& of) {
           // IFF_RUNNING is made up for those who ask by ioctl(2).
           return hexadecimal(of.flags & ~static_cast<unsigned>(IFF_RUNNING));
         }},
    Fact{"ifindex", [](const NetworkInterface& of) { return std::to_string(of.index); }},
    Fact{"iflink", [](const NetworkInterface& of) { return std::to_string(of.index); }},
    Fact{"mtu", [](const NetworkInterface& of) { return std::to_string(of.mtu); }},
    Fact{"operstate", operational_state},
    Fact{"tx_queue_len", [](const NetworkInterface& of) { return std::to_string(of.queue_length); }},
    Fact{"type", [](const NetworkInterface& of) { return std::to_string(of.type); }},
};

Result<std::string> counter(const VfsServices& services, const std::string& name, std::size_t column) {
  for (const Counted& each : counted_interfaces(services)) {
    if (each.name == name) return each.values[column] + "\n";
  }
  return Errno(ENODEV);
}

void add_statistics(FixedDirectory& device, const VfsServices& services, const std::string& name) {
  FixedDirectory& statistics = device.add_directory("statistics", 0755);
  for (std::size_t column = 0; column < kCounters.size(); ++column)
    statistics.add_text(kCounters[column], [&services, name, column] { return counter(services, name, column); });
  for (const char* never : {"rx_crc_errors", "rx_length_errors", "rx_missed_errors", "rx_nohandler", "rx_over_errors",
                            "tx_aborted_errors", "tx_heartbeat_errors", "tx_window_errors"})
    add_value(statistics, never, "0");
}

// Its files ask each time they are read: ENODEV once it is gone.
std::shared_ptr<FixedDirectory> make_device(SysFileSystem& file_system, const VfsServices& services,
                                            const std::string& name, int index) {
  auto device = std::make_shared<FixedDirectory>(file_system, 0755);
  for (const Value& each : kConstants) add_value(*device, each.name, each.value);
  for (const Fact& fact : kFacts) {
    device->add_text(fact.name, [&services, name, text = fact.text]() -> Result<std::string> {
      return text(TRY(find_interface(services, name))) + "\n";
    });
  }
  add_value(*device, "uevent", "INTERFACE=" + name + "\nIFINDEX=" + std::to_string(index));
  add_statistics(*device, services, name);
  device->add_link("subsystem", "../../../../class/net");
  return device;
}

// A directory with an entry for each interface that there is at that moment.
class InterfaceDirectory : public PseudoDirectory {
 public:
  InterfaceDirectory(SysFileSystem& file_system, const VfsServices& services, bool links)
      : PseudoDirectory(file_system, {S_IFDIR | 0755}), services_(services), links_(links) {}

  CachePolicy cache_policy() const override { return CachePolicy::kNever; }

  Result<InodePtr> lookup(std::string_view name) override {
    const std::string text(name);
    const Result<NetworkInterface> found = find_interface(services_, text);
    if (!found.ok()) return Errno(ENOENT);
    auto& file_system = static_cast<SysFileSystem&>(pseudo());
    if (links_) return InodePtr(std::make_shared<FixedSymlink>(file_system, "../../devices/virtual/net/" + text));
    return InodePtr(make_device(file_system, services_, text, found->index));
  }

  std::vector<PseudoEntry> list() override {
    std::vector<PseudoEntry> out;
    for (Counted& each : counted_interfaces(services_))
      out.push_back({std::move(each.name), static_cast<std::uint8_t>(links_ ? DT_LNK : DT_DIR)});
    return out;
  }

 private:
  const VfsServices& services_;
  const bool links_;
};

FixedDirectory& directory(FixedDirectory& parent, const char* name) {
  const Result<InodePtr> found = parent.lookup(name);
  return found.ok() ? static_cast<FixedDirectory&>(**found) : parent.add_directory(name, 0755);
}

}  // namespace

void add_network(FixedDirectory& root, SysFileSystem& file_system, const VfsServices& services) {
  directory(directory(root, "devices"), "virtual")
      .add("net", std::make_shared<InterfaceDirectory>(file_system, services, false));
  directory(root, "class").add("net", std::make_shared<InterfaceDirectory>(file_system, services, true));
}

}  // namespace runsc
