#include "boot/base/log.h"

#include <gflags/gflags.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <mutex>
#include <string_view>

#include "boot/base/log_level.h"
#include "boot/base/printable.h"

namespace runsc {
namespace {

const char* runc_level(google::LogSeverity severity) {
  switch (severity) {
    case google::GLOG_INFO:
      return "info";
    case google::GLOG_WARNING:
      return "warning";
    case google::GLOG_ERROR:
      return "error";
    default:
      return "fatal";
  }
}

std::string json_escape(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

// RFC 3339 in UTC: the sandboxed processes have no time zone files.
std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

class FdSink : public google::LogSink {
 public:
  FdSink(const char* program, int fd, LogFormat format, int min_severity)
      : program_(program), fd_(fd), format_(format), min_severity_(min_severity) {}

  void send(google::LogSeverity severity, const char*, const char* file, int line, const google::LogMessageTime&,
            const char* message, size_t length) override {
    if (fd_ < 0 || severity < min_severity_) return;
    const std::string_view text(message, length);
    std::string out;
    if (format_ == LogFormat::kJson) {
      out = std::string("{\"level\":\"") + runc_level(severity) + "\",\"msg\":\"" + json_escape(text) +
            "\",\"time\":\"" + timestamp() + "\"}\n";
    } else {
      out = timestamp() + " " + program_ + " " + runc_level(severity) + " " + file + ":" + std::to_string(line) + " " +
            printable(text) + "\n";
    }
    // One write per line: several processes append to the same file.
    if (::write(fd_, out.data(), out.size()) < 0) return;
  }

 private:
  const char* program_;
  int fd_;
  LogFormat format_;
  int min_severity_;
};

}  // namespace

void start_logging(const char* program, int fd, LogFormat format, bool debug) {
  // Lives as long as the process: glog may log until the last instruction.
  static FdSink sink(program, fd, format, debug ? google::GLOG_INFO : google::GLOG_WARNING);
  // glog writes to standard error until it is initialised, and to files afterwards unless told otherwise.
  google::InitGoogleLogging(program);
  FLAGS_logtostderr = false;
  FLAGS_stderrthreshold = google::NUM_SEVERITIES;
  FLAGS_minloglevel = debug ? google::GLOG_INFO : google::GLOG_WARNING;
  for (int severity = 0; severity < google::NUM_SEVERITIES; ++severity) google::SetLogDestination(severity, "");
  google::AddLogSink(&sink);
}

void set_debug_logging(bool debug) { FLAGS_minloglevel = debug ? google::GLOG_INFO : google::GLOG_WARNING; }

}  // namespace runsc
