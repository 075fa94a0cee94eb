// printf(3) into strings: the files of proc and sys have fixed layouts that old programs parse by column.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace runsc {

// Appends to `text`.
[[gnu::format(printf, 2, 3)]] inline void append_format(std::string& text, const char* format, ...) {
  std::va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  const std::size_t before = text.size();
  text.resize(before + static_cast<std::size_t>(length) + 1);
  std::vsnprintf(text.data() + before, static_cast<std::size_t>(length) + 1, format, again);
  va_end(again);
  text.pop_back();  // the NUL
}

}  // namespace runsc
