// The front end's side of boot/startup_report.h.
#pragma once

#include <optional>
#include <string>

namespace runsc {

struct Report {
  bool started = false;
  std::string stage;
  std::string message;  // one printable line
};

// Reads the lines of one process. What a subverted sandbox writes here is printed to a person: lines that are too
// long or no report are dropped, control characters replaced.
class ReportReader {
 public:
  // `fd` is borrowed and becomes non-blocking.
  explicit ReportReader(int fd);
  // The next report that has arrived already; nullopt: none yet, or no more.
  std::optional<Report> next();
  // The other end is closed and everything has been read.
  bool at_end() const { return at_end_ && buffer_.empty(); }

 private:
  void fill();
  std::optional<std::string> take_line();

  int fd_;
  bool at_end_ = false;
  std::string buffer_;
};

}  // namespace runsc
