#include "boot/controller/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  runsc::fuzz_control_server(data, size);
  return 0;
}
