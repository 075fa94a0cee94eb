#include "boot/fs/devpts/settings.h"

#include <algorithm>
#include <array>

namespace runsc {
namespace {

// Bits per second of B0 .. B38400, then of those with CBAUDEX.
constexpr std::array<unsigned, 16> kSpeeds = {0,   50,   75,   110,  134,  150,  200,   300,
                                              600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
constexpr std::array<unsigned, 16> kExtendedSpeeds = {0,       57600,   115200,  230400,  460800,  500000,
                                                      576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                                      2500000, 3000000, 3500000, 4000000};

unsigned speed_of(unsigned code, unsigned other) {
  if (code == BOTHER) return other;
  const auto& table = (code & CBAUDEX) != 0 ? kExtendedSpeeds : kSpeeds;
  return table[code & 0xf];
}

Termios completed(Termios settings) {
  settings.c_cflag = (settings.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8 | CREAD;
  settings.c_ospeed = speed_of(settings.c_cflag & CBAUD, settings.c_ospeed);
  const unsigned input = settings.c_cflag >> IBSHIFT & CBAUD;
  settings.c_ispeed = input == B0 ? settings.c_ospeed : speed_of(input, settings.c_ispeed);
  return settings;
}

}  // namespace

Termios default_settings() {
  Termios settings{};
  settings.c_iflag = ICRNL | IXON;
  settings.c_oflag = OPOST | ONLCR;
  settings.c_cflag = B38400 | CS8 | CREAD;
  settings.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  constexpr auto control = [](char letter) { return static_cast<cc_t>(letter & 0x1f); };
  settings.c_cc[VINTR] = control('C');
  settings.c_cc[VQUIT] = control('\\');
  settings.c_cc[VERASE] = 0x7f;
  settings.c_cc[VKILL] = control('U');
  settings.c_cc[VEOF] = control('D');
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VSTART] = control('Q');
  settings.c_cc[VSTOP] = control('S');
  settings.c_cc[VSUSP] = control('Z');
  settings.c_cc[VREPRINT] = control('R');
  settings.c_cc[VDISCARD] = control('O');
  settings.c_cc[VWERASE] = control('W');
  settings.c_cc[VLNEXT] = control('V');
  settings.c_ispeed = settings.c_ospeed = 38400;
  return settings;
}

Termios with_old_settings(const Termios& present, const OldTermios& wanted) {
  Termios settings = present;
  settings.c_iflag = wanted.c_iflag;
  settings.c_oflag = wanted.c_oflag;
  settings.c_cflag = wanted.c_cflag;
  settings.c_lflag = wanted.c_lflag;
  settings.c_line = wanted.c_line;
  std::copy(std::begin(wanted.c_cc), std::end(wanted.c_cc), std::begin(settings.c_cc));
  return completed(settings);
}

Termios with_settings(const Termios& wanted) { return completed(wanted); }

OldTermios old_settings(const Termios& settings) {
  OldTermios old{};
  old.c_iflag = settings.c_iflag;
  old.c_oflag = settings.c_oflag;
  old.c_cflag = settings.c_cflag;
  old.c_lflag = settings.c_lflag;
  old.c_line = settings.c_line;
  std::copy(std::begin(settings.c_cc), std::end(settings.c_cc), std::begin(old.c_cc));
  return old;
}

}  // namespace runsc
