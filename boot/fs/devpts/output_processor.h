// What becomes of output bytes on their way to the terminal (OPOST of termios(3)).
#pragma once

#include <cstdint>

#include "boot/fs/devpts/byte_queue.h"
#include "boot/fs/devpts/settings.h"

namespace runsc {

// Follows the column of the cursor, for tabs. Not thread-safe.
class OutputProcessor {
 public:
  // The most bytes that one becomes: a tab that is expanded.
  static constexpr std::size_t kLargestExpansion = 8;

  // `byte`, as `settings` say, appended to `out`.
  void process(const Termios& settings, std::uint8_t byte, ByteQueue& out);
  // A byte that echo sends around the processing, one column wide.
  void step() { ++column_; }
  void step_back() {
    if (column_ != 0) --column_;
  }
  unsigned column() const { return column_; }

 private:
  void newline(const Termios& settings, ByteQueue& out);
  void tab(const Termios& settings, ByteQueue& out);

  unsigned column_ = 0;
};

// A byte of a UTF-8 sequence that is not its first, where the terminal knows UTF-8 (IUTF8).
inline bool is_continuation(const Termios& settings, std::uint8_t byte) {
  return (settings.c_iflag & IUTF8) != 0 && (byte & 0xc0) == 0x80;
}
inline bool is_unprintable(std::uint8_t byte) { return byte < 0x20 || byte == 0x7f; }

}  // namespace runsc
