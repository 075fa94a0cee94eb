// The files of the root of proc that tell about the whole system (proc(5)).
#pragma once

#include "boot/fs/proc/proc_file_system.h"

namespace runsc {

void add_system_files(FixedDirectory& root, ProcFileSystem& file_system);

// meminfo.cc
std::string show_meminfo(Kernel& kernel);
std::string show_vmstat(Kernel& kernel);
std::string show_zoneinfo(Kernel& kernel);
// system_load.cc
std::string show_system_stat(Kernel& kernel);
std::string show_uptime(Kernel& kernel);
std::string show_loadavg(Kernel& kernel);
// cpuinfo.cc
std::string show_cpuinfo(Kernel& kernel);

}  // namespace runsc
