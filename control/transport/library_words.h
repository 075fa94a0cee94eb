// What KJ has to say where it cannot throw, such as of a peer that died while the end of a connection was sent to it.
// Whoever waits for an answer learns the same from an error.
#pragma once

#include <kj/exception.h>

#include <functional>
#include <string>

namespace runsc::control {

// As long as one lives, such words of the thread that made it go to `tell` instead of standard error, and no stack is
// walked for an exception. KJ wants it on the stack.
class LibraryWords final : public kj::ExceptionCallback {
 public:
  explicit LibraryWords(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

  void logMessage(kj::LogSeverity, const char*, int, int, kj::String&& text) override { tell_(text.cStr()); }
  StackTraceMode stackTraceMode() override { return StackTraceMode::NONE; }

 private:
  std::function<void(const std::string&)> tell_;
};

}  // namespace runsc::control
