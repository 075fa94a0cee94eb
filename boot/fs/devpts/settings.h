// The settings of a terminal (termios(3)) as the kernel's interface has them; glibc's structure differs.
#pragma once

#include <asm/termbits.h>

#include <cstdint>

namespace runsc {

using Termios = ::termios2;
using OldTermios = ::termios;  // TCGETS, TCSETS: without speeds of their own
static_assert(sizeof(Termios) == 44 && sizeof(OldTermios) == 36);

// What a new terminal has.
Termios default_settings();

// An application's wish on top of `present`: a pseudoterminal always has 8 bits and no parity.
Termios with_old_settings(const Termios& present, const OldTermios& wanted);
Termios with_settings(const Termios& wanted);
OldTermios old_settings(const Termios& settings);

// A control character that 0 (_POSIX_VDISABLE) switches off.
inline bool is_control(const Termios& settings, int which, std::uint8_t byte) {
  return byte != 0 && settings.c_cc[which] == byte;
}

}  // namespace runsc
