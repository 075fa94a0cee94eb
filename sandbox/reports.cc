#include "sandbox/reports.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace runsc {
namespace {

constexpr std::size_t kMaxBuffer = 64 * 1024;

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string string_field(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

std::optional<Report> parse(const std::string& line) {
  const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  Report report{.started = string_field(object, "event") == "started",
                .stage = string_field(object, "stage"),
                .message = string_field(object, "message")};
  if (!report.started && report.message.empty()) return std::nullopt;
  return report;
}

}  // namespace

ReportReader::ReportReader(int fd) : fd_(fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

void ReportReader::fill() {
  char chunk[4096];
  while (buffer_.size() < kMaxBuffer) {
    const ssize_t count = ::read(fd_, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) at_end_ = true;
    if (count <= 0) return;
    buffer_.append(chunk, static_cast<std::size_t>(count));
  }
}

std::optional<std::string> ReportReader::take_line() {
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) {
    if (buffer_.size() >= kMaxBuffer || at_end_) buffer_.clear();
    return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::optional<Report> ReportReader::next() {
  fill();
  while (auto line = take_line()) {
    if (auto report = parse(*line)) return report;
  }
  return std::nullopt;
}

}  // namespace runsc
