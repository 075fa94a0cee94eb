// InputBuffer: what was typed and not read yet, by lines where the terminal works by lines (ICANON of termios(3)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace runsc {

// Complete lines come first; what follows the last one is the line being edited. Without lines all bytes count as
// complete at once. Not thread-safe.
class InputBuffer {
 public:
  // As Linux's N_TTY_BUF_SIZE; one byte of it is for the end of a line.
  static constexpr std::size_t kCapacity = 4096;

  std::size_t size() const { return cells_.size(); }
  std::size_t complete() const { return complete_; }
  // Bytes that a reader may have: ends of file, which are no bytes, do not count.
  std::size_t complete_bytes() const;
  // The line being edited; empty without lines.
  std::size_t edited() const { return cells_.size() - complete_; }

  void push(std::uint8_t byte) { cells_.push_back({byte, Kind::kByte}); }
  void push_line_end(std::uint8_t byte);
  void push_end_of_file();
  void complete_all() { complete_ = cells_.size(); }
  // What is there becomes readable as one line.
  void make_line_of_all();
  // Forgets where lines end; an end of file becomes the byte 0.
  void forget_lines();

  // Of the line being edited, the last byte. Precondition: edited() != 0.
  std::uint8_t last() const { return cells_.back().byte; }
  void pop_last() { cells_.pop_back(); }
  void drop_edited() { cells_.resize(complete_); }
  // The bytes of the line being edited.
  std::vector<std::uint8_t> edited_bytes() const;

  // The first complete bytes, up to `limit` and, `by_lines`, to the end of a line.
  std::vector<std::byte> peek(std::size_t limit, bool by_lines) const;
  // Removes the first `count` bytes, which peek() gave; by lines, the end of file behind them, too.
  void consume(std::size_t count, bool by_lines);
  void clear();

 private:
  enum class Kind : std::uint8_t { kByte, kLineEnd, kEndOfFile };
  struct Cell {
    std::uint8_t byte;
    Kind kind;
  };
  std::deque<Cell> cells_;
  std::size_t complete_ = 0;
};

}  // namespace runsc
