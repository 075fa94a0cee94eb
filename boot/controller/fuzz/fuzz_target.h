// One client's bytes, from its first to its last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace runsc {

// A server of its own is sent `data`; afterwards it must have closed the connection and still serve others. Aborts when
// it does not.
void fuzz_control_server(const std::uint8_t* data, std::size_t size);

}  // namespace runsc
