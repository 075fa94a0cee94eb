#include "boot/fs/proc/escape.h"

#include "boot/fs/pseudo/format.h"

namespace runsc {

std::string escape_octal(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) == std::string_view::npos) {
      out += c;
    } else {
      append_format(out, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string escape_name(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace runsc
