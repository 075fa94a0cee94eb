// Host system calls that are not expected to fail: the failure is logged with the call's text and returned as an error.
#pragma once

#include "boot/base/log.h"
#include "boot/base/result.h"

namespace runsc::internal {

template <typename T>
Result<T> check_host_call(T value, const char* text, const char* file, int line) {
  if (value != static_cast<T>(-1)) return value;
  const Errno error = last_errno();
  google::LogMessage(file, line, google::GLOG_WARNING).stream() << text << " failed: " << errno_name(error);
  return error;
}

}  // namespace runsc::internal

// Evaluates a call in the manner of system calls (-1 and errno), retried on EINTR. A Result of the call's type.
#define HOST_CALL(call)                                                                       \
  ({                                                                                          \
    auto host_call_value_ = (call);                                                           \
    while (host_call_value_ == static_cast<decltype(host_call_value_)>(-1) && errno == EINTR) \
      host_call_value_ = (call);                                                              \
    ::runsc::internal::check_host_call(host_call_value_, #call, __FILE__, __LINE__);          \
  })
