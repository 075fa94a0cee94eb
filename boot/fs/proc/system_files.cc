#include "boot/fs/proc/system_files.h"

#include <array>

#include "boot/fs/cpu/processors.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/processors.h"
#include "boot/kernel/system_identity.h"

namespace runsc {
namespace {

struct ConstantFile {
  const char* name;
  const char* text;
  std::uint32_t permissions = 0444;
};

constexpr std::array kConstants = {
    ConstantFile{"buddyinfo", "", 0400},
    ConstantFile{"cgroups",
                 "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\ncpu\t0\t1\t1\ncpuacct\t0\t1\t1\n"
                 "memory\t0\t1\t1\npids\t0\t1\t1\n"},
    ConstantFile{"cmdline", "BOOT_IMAGE=/vmlinuz quiet\n"},
    ConstantFile{"consoles", ""},
    ConstantFile{"crypto", ""},
    ConstantFile{"devices",
                 "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n136 pts\n"
                 "\nBlock devices:\n"},
    ConstantFile{"diskstats", ""},
    ConstantFile{"dma", ""},
    ConstantFile{"execdomains", "0-0\tLinux           \t[kernel]\n"},
    ConstantFile{"iomem", "", 0400},
    ConstantFile{"ioports", "", 0400},
    ConstantFile{"key-users", ""},
    ConstantFile{"keys", ""},
    ConstantFile{"locks", ""},
    ConstantFile{"misc", ""},
    ConstantFile{"modules", ""},
    ConstantFile{"partitions", "major minor  #blocks  name\n\n"},
    ConstantFile{"slabinfo", "slabinfo - version: 2.1\n", 0400},
    ConstantFile{"swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
};

std::string show_version() {
  std::string out;
  append_format(out, "%s version %s (runsc) %s\n", kSystemName.data(), kSystemRelease.data(), kSystemVersion.data());
  return out;
}

std::string show_filesystems(const FileSystemRegistry& registry) {
  std::string out;
  for (const std::string& type : registry.types()) out += "nodev\t" + type + "\n";
  return out;
}

std::string processor_columns(const Kernel& kernel) {
  std::string out;
  for (const int i : numbers_of(online_processors(kernel))) append_format(out, "%s%-8d", "CPU", i);
  return out;
}

// Interrupts are the host's.
std::string show_interrupts(Kernel& kernel) { return "           " + processor_columns(kernel) + "\n"; }

std::string show_softirqs(Kernel& kernel) {
  constexpr std::array kNames = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                 "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
  std::string out = "                    " + processor_columns(kernel) + "\n";
  const std::size_t count = numbers_of(online_processors(kernel)).size();
  for (const char* name : kNames) {
    append_format(out, "%12s:", name);
    for (std::size_t i = 0; i < count; ++i) append_format(out, " %10d", 0);
    out += '\n';
  }
  return out;
}

}  // namespace

void add_system_files(FixedDirectory& root, ProcFileSystem& file_system) {
  Kernel& kernel = file_system.kernel();
  VfsServices& services = file_system.services();
  for (const ConstantFile& file : kConstants)
    root.add_text(
        file.name, [text = file.text]() -> Result<std::string> { return std::string(text); }, file.permissions);
  const auto add = [&](const char* name, std::string (*show)(Kernel&)) {
    root.add_text(name, [&kernel, show]() -> Result<std::string> { return show(kernel); });
  };
  add("meminfo", show_meminfo);
  add("vmstat", show_vmstat);
  add("zoneinfo", show_zoneinfo);
  add("stat", show_system_stat);
  add("uptime", show_uptime);
  add("loadavg", show_loadavg);
  add("cpuinfo", show_cpuinfo);
  add("interrupts", show_interrupts);
  add("softirqs", show_softirqs);
  root.add_text("version", []() -> Result<std::string> { return show_version(); });
  root.add_text("filesystems",
                [&services]() -> Result<std::string> { return show_filesystems(services.file_systems); });
  for (const char* name : {"bus", "driver", "fs", "irq", "sysvipc", "tty"}) root.add_directory(name);
  root.add("sys", file_system.shared().sysctls.directory(file_system));
}

}  // namespace runsc
