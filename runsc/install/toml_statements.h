// A TOML file as a list of statements, without a look into the values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runsc {

using TomlPath = std::vector<std::string>;  // the parts of a key

struct TomlStatement {
  enum class Kind { kBlank, kComment, kTable, kAssignment };
  Kind kind = Kind::kBlank;
  std::size_t begin = 0;  // byte offsets; `end` is behind the line's end
  std::size_t end = 0;
  std::size_t line = 0;    // from 1
  TomlPath path;           // kTable: its name; kAssignment: the table's name and the key
  std::string_view value;  // kAssignment: as it is written, without comment
};

// The statements view into `text`. Throws UserError "line N: .." for what is no TOML.
std::vector<TomlStatement> split_toml(std::string_view text);

// Whether `path` is `base` or lies below it.
bool within(const TomlPath& path, const TomlPath& base);

}  // namespace runsc
