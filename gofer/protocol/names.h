// Names that a peer sent, checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "boot/base/result.h"
#include "gofer/protocol/limits.h"

namespace runsc::gofer {

// EINVAL for what cannot be the name of one directory entry ('/', NUL, empty, "." and ".."); ENAMETOOLONG.
inline Result<void> check_component(std::string_view name) {
  if (name.size() > kMaxName) return Errno(ENAMETOOLONG);
  if (name.empty() || name == "." || name == "..") return Errno(EINVAL);
  if (std::memchr(name.data(), '/', name.size()) != nullptr) return Errno(EINVAL);
  if (std::memchr(name.data(), '\0', name.size()) != nullptr) return Errno(EINVAL);
  return {};
}

// A checked copy of bytes, ended by NUL: what a host call is given. The message it came from may go away.
template <std::size_t kMax>
class CString {
 public:
  const char* c_str() const { return bytes_.data(); }

  // ENAMETOOLONG, or EINVAL for a NUL inside.
  static Result<CString> copy(std::string_view text) {
    if (text.size() > kMax) return Errno(ENAMETOOLONG);
    if (!text.empty() && std::memchr(text.data(), '\0', text.size()) != nullptr) return Errno(EINVAL);
    return CString(text);
  }

 private:
  // The bytes behind the NUL are never read, so they are not initialised.
  explicit CString(std::string_view text) { bytes_[text.copy(bytes_.data(), kMax)] = '\0'; }

  std::array<char, kMax + 1> bytes_;
};

using ComponentName = CString<kMaxName>;

inline Result<ComponentName> component_name(std::string_view name) {
  TRY(check_component(name));
  return ComponentName::copy(name);
}

}  // namespace runsc::gofer
