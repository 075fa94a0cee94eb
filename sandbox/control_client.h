// Requests to a running sandbox over <root>/<id>/control.sock.
//
// One packet a request, one packet the answer: words separated by blanks, "signal 15", "resize 24 80", "stacks"; the
// answer is "ok", "ok\n" and text, or "error " and the reason.
#pragma once

#include <string>

#include "boot/base/unique_fd.h"

namespace runsc {

class ControlClient {
 public:
  // Throws UserError when nothing listens at `path`.
  explicit ControlClient(const std::string& path);

  // Sends a request and waits for its answer; returns the text after "ok". Throws UserError with the reason for an
  // error, when the sandbox ends meanwhile, and when it does not answer in time.
  std::string call(const std::string& request, int seconds = 30);

  // Sends a request without waiting; answers are read and dropped by the next post(). False when it cannot be sent.
  bool post(const std::string& request) noexcept;

 private:
  UniqueFd socket_;
};

}  // namespace runsc
