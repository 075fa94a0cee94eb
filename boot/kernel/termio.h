// struct termio, terminal settings as System V had them: the low halves of the flags and the first control characters.
#pragma once

#include <sys/ioctl.h>

#include <algorithm>
#include <cstdint>

namespace runsc {

// `Settings`: any of the kernel's newer structures.
template <typename Settings>
::termio to_termio(const Settings& settings) {
  ::termio out{};
  out.c_iflag = static_cast<std::uint16_t>(settings.c_iflag);
  out.c_oflag = static_cast<std::uint16_t>(settings.c_oflag);
  out.c_cflag = static_cast<std::uint16_t>(settings.c_cflag);
  out.c_lflag = static_cast<std::uint16_t>(settings.c_lflag);
  out.c_line = settings.c_line;
  std::copy_n(std::begin(settings.c_cc), std::size(out.c_cc), std::begin(out.c_cc));
  return out;
}

// What the old structure has no room for stays as it is.
template <typename Settings>
void apply_termio(Settings& settings, const ::termio& wanted) {
  const auto set_low_half = [](auto& flags, std::uint16_t low) { flags = (flags & ~0xffffu) | low; };
  set_low_half(settings.c_iflag, wanted.c_iflag);
  set_low_half(settings.c_oflag, wanted.c_oflag);
  set_low_half(settings.c_cflag, wanted.c_cflag);
  set_low_half(settings.c_lflag, wanted.c_lflag);
  settings.c_line = wanted.c_line;
  std::copy_n(std::begin(wanted.c_cc), std::size(wanted.c_cc), std::begin(settings.c_cc));
}

}  // namespace runsc
