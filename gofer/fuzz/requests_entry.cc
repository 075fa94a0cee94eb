// libFuzzer: clang -fsanitize=fuzzer,address with fuzz_targets.
#include <cstdint>

#include "gofer/fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  runsc::gofer::fuzz_requests(std::as_bytes(std::span(data, size)));
  return 0;
}
