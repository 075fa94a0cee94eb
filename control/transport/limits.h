// How much either side of a connection takes from the other.
#pragma once

#include <capnp/message.h>

#include <cstddef>
#include <cstdint>

namespace runsc::control {

// Descriptors in one request: what the host passes with one message (SCM_MAX_FD). Answers carry none.
inline constexpr unsigned kMaxDescriptors = 253;
// Not zero, because the library sends none where it takes none; what a sandbox attaches is closed unseen.
inline constexpr unsigned kFdsInAnswers = 1;

// A request: a configuration, an environment. An answer: the processes of a large container, stacks.
inline constexpr std::uint64_t kMaxRequestBytes = 4U << 20;
inline constexpr std::uint64_t kMaxAnswerBytes = 64U << 20;

// Structures inside each other: those of the interface and the RPC layer's own.
inline constexpr int kMaxNesting = 24;

// Of a text that is shown to a person.
inline constexpr std::size_t kMaxMessageLength = 4096;

inline capnp::ReaderOptions reader_options(std::uint64_t bytes) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = bytes / sizeof(capnp::word);
  options.nestingLimit = kMaxNesting;
  return options;
}

}  // namespace runsc::control
