// Diagnostics. A thin layer over glog, so that each process chooses one sink at its start and no other file names it.
#pragma once

#include <glog/logging.h>

#include <string>

namespace runsc {

enum class LogFormat { kText, kJson };

// Sends everything that LOG() prints to `fd` (borrowed for the life of the process; -1: nowhere), one line per message:
// text, or {"level":..,"msg":..,"time":RFC 3339} as runc writes it. Call once, before the first thread starts.
// `program` is the prefix of text lines ("runsc", "runsc-boot", "runsc-gofer"); it must outlive the process's logging.
// Messages of LOG(INFO) and VLOG are dropped unless `debug`.
void start_logging(const char* program, int fd, LogFormat format, bool debug);

}  // namespace runsc
