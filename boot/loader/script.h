// "#!" scripts (execve(2), "Interpreter scripts").
#pragma once

#include <optional>
#include <span>
#include <string>

#include "boot/base/result.h"

namespace runsc {

// How much of a file's beginning decides what it is; the "#!" line must fit.
inline constexpr std::size_t kScriptHeadSize = 256;

struct ScriptLine {
  std::string interpreter;
  std::optional<std::string> argument;  // everything behind the interpreter's name, as one
};

bool is_script(std::span<const std::byte> head);

// `head`: the first bytes of the file, at most kScriptHeadSize of them count. ENOEXEC: not a script, no interpreter
// named, or its name may have been cut off.
Result<ScriptLine> parse_script(std::span<const std::byte> head);

}  // namespace runsc
