// devices/system/cpu and devices/system/node: one node, one package, no hyper-threads.
#include "boot/fs/cpu/processors.h"

#include <sys/sysinfo.h>

#include <bit>

#include "boot/fs/pseudo/format.h"
#include "boot/fs/sys/sys_file_system.h"

namespace runsc {
namespace {

int width_of(std::uint64_t set) { return std::bit_width(set); }

void add_topology(FixedDirectory& cpu, int number, std::uint64_t set) {
  FixedDirectory& topology = cpu.add_directory("topology", 0755);
  const std::string own_list = std::to_string(number), own_mask = mask_text(1ULL << number, width_of(set));
  const std::string all_list = list_text(set), all_mask = mask_text(set, width_of(set));
  add_value(topology, "core_id", std::to_string(number));
  for (const char* name : {"physical_package_id", "die_id", "cluster_id"}) add_value(topology, name, "0");
  for (const char* name : {"thread_siblings", "core_cpus"}) add_value(topology, name, own_mask);
  for (const char* name : {"thread_siblings_list", "core_cpus_list"}) add_value(topology, name, own_list);
  for (const char* name : {"core_siblings", "package_cpus", "die_cpus"}) add_value(topology, name, all_mask);
  for (const char* name : {"core_siblings_list", "package_cpus_list", "die_cpus_list"})
    add_value(topology, name, all_list);
}

std::string node_meminfo() {
  struct sysinfo host {};
  ::sysinfo(&host);
  const auto kib = [&](unsigned long units) { return static_cast<unsigned long long>(units) * host.mem_unit / 1024; };
  std::string out;
  append_format(out, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\n", kib(host.totalram),
                kib(host.freeram));
  append_format(out, "Node 0 MemUsed:        %8llu kB\n", kib(host.totalram - host.freeram));
  return out;
}

void add_node(FixedDirectory& system, std::uint64_t set) {
  FixedDirectory& nodes = system.add_directory("node", 0755);
  for (const char* name : {"online", "possible", "has_cpu", "has_memory", "has_normal_memory"})
    add_value(nodes, name, "0");
  FixedDirectory& node = nodes.add_directory("node0", 0755);
  add_value(node, "cpulist", list_text(set));
  add_value(node, "cpumap", mask_text(set, width_of(set)));
  add_value(node, "distance", "10");
  node.add_text("meminfo", []() -> Result<std::string> { return node_meminfo(); });
  for (const int i : numbers_of(set)) node.add_link("cpu" + std::to_string(i), "../../cpu/cpu" + std::to_string(i));
}

}  // namespace

void add_processors(FixedDirectory& system, std::uint64_t set) {
  FixedDirectory& cpus = system.add_directory("cpu", 0755);
  const std::string all = list_text(set);
  for (const char* name : {"online", "possible", "present"}) add_value(cpus, name, all);
  for (const char* name : {"offline", "isolated", "nohz_full"}) add_value(cpus, name, "");
  add_value(cpus, "kernel_max", "63");
  for (const int i : numbers_of(set)) {
    FixedDirectory& cpu = cpus.add_directory("cpu" + std::to_string(i), 0755);
    if (i != 0) add_value(cpu, "online", "1");
    add_topology(cpu, i, set);
    cpu.add_link("node0", "../../node/node0");
  }
  add_node(system, set);
}

}  // namespace runsc
