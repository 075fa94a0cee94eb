#include "boot/fs/devpts/output_processor.h"

namespace runsc {

void OutputProcessor::newline(const Termios& settings, ByteQueue& out) {
  if ((settings.c_oflag & ONLCR) != 0) out.push('\r');
  if ((settings.c_oflag & (ONLCR | ONLRET)) != 0) column_ = 0;
  out.push('\n');
}

void OutputProcessor::tab(const Termios& settings, ByteQueue& out) {
  const unsigned width = 8 - column_ % 8;
  column_ += width;
  if ((settings.c_oflag & TABDLY) != XTABS) return out.push('\t');
  for (unsigned i = 0; i < width; ++i) out.push(' ');
}

void OutputProcessor::process(const Termios& settings, std::uint8_t byte, ByteQueue& out) {
  const auto has = [&](tcflag_t flag) { return (settings.c_oflag & flag) != 0; };
  if (!has(OPOST)) return out.push(byte);
  switch (byte) {
    case '\n':
      return newline(settings, out);
    case '\t':
      return tab(settings, out);
    case '\r':
      if (has(ONOCR) && column_ == 0) return;
      if (has(OCRNL)) {
        if (has(ONLRET)) column_ = 0;
        return out.push('\n');
      }
      column_ = 0;
      break;
    case '\b':
      step_back();
      break;
    default:
      if (is_unprintable(byte)) break;
      if (has(OLCUC) && byte >= 'a' && byte <= 'z') byte = static_cast<std::uint8_t>(byte - 'a' + 'A');
      if (!is_continuation(settings, byte)) ++column_;
  }
  out.push(byte);
}

}  // namespace runsc
