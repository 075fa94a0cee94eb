// What the program says to its caller: errors and warnings, on standard error and in the file of --log.
#pragma once

#include <string>

#include "boot/base/log.h"
#include "boot/base/unique_fd.h"

namespace runsc {

class Messages {
 public:
  // Appends to `log_path` (empty: none) too. Throws UserError when it cannot be opened.
  Messages(const std::string& log_path, LogFormat format);
  Messages() = default;

  // "runsc: TEXT" on standard error, and a line of level "error" in the log.
  void error(const std::string& text) const;
  // In the log if there is one, else "runsc: warning: TEXT" on standard error: callers parse what is printed there.
  void warning(const std::string& text) const;

  int log_fd() const { return log_.get(); }

 private:
  void append(const char* level, const std::string& text) const;

  UniqueFd log_;
  LogFormat format_ = LogFormat::kText;
};

// The one of this program, for commands that warn. Set by main().
Messages& messages();

}  // namespace runsc
