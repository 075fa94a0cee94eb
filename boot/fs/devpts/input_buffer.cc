#include "boot/fs/devpts/input_buffer.h"

#include <algorithm>

namespace runsc {

std::size_t InputBuffer::complete_bytes() const {
  const auto end = cells_.begin() + static_cast<std::ptrdiff_t>(complete_);
  const auto marks = std::count_if(cells_.begin(), end, [](Cell cell) { return cell.kind == Kind::kEndOfFile; });
  return complete_ - static_cast<std::size_t>(marks);
}

void InputBuffer::push_line_end(std::uint8_t byte) {
  cells_.push_back({byte, Kind::kLineEnd});
  complete_ = cells_.size();
}

void InputBuffer::push_end_of_file() {
  cells_.push_back({0, Kind::kEndOfFile});
  complete_ = cells_.size();
}

void InputBuffer::make_line_of_all() {
  if (cells_.empty()) return;
  cells_.back().kind = Kind::kLineEnd;
  complete_ = cells_.size();
}

void InputBuffer::forget_lines() {
  for (Cell& cell : cells_) cell.kind = Kind::kByte;
  complete_ = cells_.size();
}

std::vector<std::uint8_t> InputBuffer::edited_bytes() const {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = complete_; i < cells_.size(); ++i) bytes.push_back(cells_[i].byte);
  return bytes;
}

std::vector<std::byte> InputBuffer::peek(std::size_t limit, bool by_lines) const {
  std::vector<std::byte> bytes;
  const std::size_t end = std::min(limit, complete_);
  bytes.reserve(end);
  for (std::size_t i = 0; i < end; ++i) {
    if (cells_[i].kind == Kind::kEndOfFile) break;
    bytes.push_back(std::byte{cells_[i].byte});
    if (by_lines && cells_[i].kind == Kind::kLineEnd) break;
  }
  return bytes;
}

// An end of file directly behind the bytes of a line only ended that line: the next reader must not take it for an
// empty one.
void InputBuffer::consume(std::size_t count, bool by_lines) {
  const bool line_ended = count != 0 && cells_[count - 1].kind == Kind::kLineEnd;
  cells_.erase(cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(count));
  complete_ -= count;
  if (!by_lines || line_ended || complete_ == 0 || cells_.front().kind != Kind::kEndOfFile) return;
  cells_.pop_front();
  --complete_;
}

void InputBuffer::clear() {
  cells_.clear();
  complete_ = 0;
}

}  // namespace runsc
