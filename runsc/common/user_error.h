// Errors of the front end.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace runsc {

// Ends a command: what() is the one line that the person or program who ran it sees. It names the object, then what is
// wrong with it: `config.json: process.cwd: "tmp" is not absolute`.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message, int exit_code = 1)
      : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

// "open /a/b: permission denied", in the manner of Go programs: callers of runc match on the lower-case texts.
std::string system_error_text(const std::string& what, int error_number);

// Throws a UserError with that text for the present errno.
[[noreturn]] void throw_system_error(const std::string& what, int error_number = errno);

}  // namespace runsc
