#include "boot/kernel/limits.h"

namespace runsc {

LimitTable default_limits() {
  LimitTable table;
  table.values[RLIMIT_STACK] = {8 << 20, RLIM_INFINITY};
  table.values[RLIMIT_CORE] = {0, RLIM_INFINITY};
  table.values[RLIMIT_NOFILE] = {1024, 1 << 20};
  table.values[RLIMIT_MEMLOCK] = {8 << 20, 8 << 20};
  table.values[RLIMIT_MSGQUEUE] = {819200, 819200};
  table.values[RLIMIT_NICE] = {0, 0};
  table.values[RLIMIT_RTPRIO] = {0, 0};
  return table;
}

}  // namespace runsc
