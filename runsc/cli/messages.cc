#include "runsc/cli/messages.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "runsc/common/user_error.h"
#include "sandbox/state.h"

namespace runsc {
namespace {

void write_line(int fd, const std::string& line) {
  // One write: other processes append to the same file.
  if (::write(fd, line.data(), line.size()) < 0) return;
}

std::string as_json(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What a bundle's author wrote must not reach a terminal as control characters, nor a log as invalid UTF-8.
std::string printable(const std::string& text) {
  std::string out = nlohmann::json::parse(as_json(text)).get<std::string>();
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace

Messages::Messages(const std::string& log_path, LogFormat format) : format_(format) {
  if (log_path.empty()) return;
  log_ = UniqueFd(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log_) throw_system_error("open " + log_path);
}

void Messages::append(const char* level, const std::string& text) const {
  if (!log_) return;
  const std::string time = timestamp_now().substr(0, std::string_view("2000-01-01T00:00:00").size()) + "Z";
  // The text format is that of runc, which callers show as it is.
  write_line(log_.get(), format_ == LogFormat::kJson
                             ? std::string("{\"level\":\"") + level + "\",\"msg\":" + as_json(text) + ",\"time\":\"" +
                                   time + "\"}\n"
                             : "time=\"" + time + "\" level=" + level + " msg=" + as_json(text) + "\n");
}

void Messages::error(const std::string& text) const {
  append("error", text);
  write_line(STDERR_FILENO, "runsc: " + printable(text) + "\n");
}

void Messages::warning(const std::string& text) const {
  append("warning", text);
  if (!log_) write_line(STDERR_FILENO, "runsc: warning: " + printable(text) + "\n");
}

}  // namespace runsc
