#include "boot/startup_report.h"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace runsc {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
}

void write_all(int fd, std::string_view text) {
  while (fd >= 0 && !text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());  // SIGPIPE is ignored
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

FrontEnd front_end_of(int fd) {
  char byte = 0;
  const ssize_t count = ::read(fd, &byte, 1);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return FrontEnd::kThere;
  // A front end that goes while it has reports unread resets the connection.
  return count == 1 ? FrontEnd::kReleasedUs : FrontEnd::kGone;
}

void report_failure(int fd, std::string_view stage, std::string_view message) {
  std::string line = "{\"stage\":\"";
  append_escaped(line, stage);
  line += "\",\"message\":\"";
  append_escaped(line, message);
  line += "\"}\n";
  write_all(fd, line);
}

void report_started(int fd) { write_all(fd, "{\"event\":\"started\"}\n"); }

}  // namespace runsc
