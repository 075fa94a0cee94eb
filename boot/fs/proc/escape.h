// How names that may hold anything stand in files that are parsed by lines and blanks.
#pragma once

#include <string>
#include <string_view>

namespace runsc {

// Each byte of `special` as a backslash and three octal digits.
std::string escape_octal(std::string_view text, std::string_view special);

// Blank, tab, newline, backslash: mounts, mountinfo.
inline std::string escape_mount(std::string_view text) { return escape_octal(text, " \t\n\\"); }

// comm in stat and status: newlines and backslashes as in C.
std::string escape_name(std::string_view text);

}  // namespace runsc
