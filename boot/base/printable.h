// Text of an application for a person's eyes.
#pragma once

#include <string>
#include <string_view>

namespace runsc {

// Control characters replaced: the text can neither end a line nor steer the terminal that shows it.
inline std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

}  // namespace runsc
