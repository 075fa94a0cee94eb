// Entries of the auxiliary vector that <elf.h> does not name yet.
#pragma once

#include <cstdint>

namespace runsc {

// How many bytes of struct rseq the host fills in, and the alignment that an area of more than the first size needs.
inline constexpr std::uint64_t kRseqFeatureSize = 27;  // AT_RSEQ_FEATURE_SIZE
inline constexpr std::uint64_t kRseqAlign = 28;        // AT_RSEQ_ALIGN

}  // namespace runsc
