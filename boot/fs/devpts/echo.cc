// The part of the line discipline that shows on the screen what is typed and what is erased.
#include "boot/fs/devpts/line_discipline.h"

namespace runsc {
namespace {

bool is_word_byte(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         byte >= 0xc0;  // letters of Latin-1, and first bytes of UTF-8
}

}  // namespace

void LineDiscipline::echo_plain(std::uint8_t byte) {
  if (echo_has_room()) processor_.process(settings_, byte, echo_target());
}

void LineDiscipline::echo(std::uint8_t byte) {
  if (!has_local(ECHOCTL) || !is_unprintable(byte) || byte == '\t') return echo_plain(byte);
  if (!echo_has_room()) return;
  for (const std::uint8_t each : {static_cast<std::uint8_t>('^'), static_cast<std::uint8_t>(byte ^ 0x40)}) {
    echo_target().push(each);
    processor_.step();
  }
}

void LineDiscipline::echo_typed(std::uint8_t byte) {
  if (!has_local(ECHO)) return;
  finish_erasing();
  if (byte == '\n') return echo_plain('\n');
  if (input_.edited() == 0) line_column_ = processor_.column();
  echo(byte);
}

void LineDiscipline::finish_erasing() {
  if (!erasing_) return;
  echo_plain('/');
  erasing_ = false;
}

bool LineDiscipline::pop_character(std::vector<std::uint8_t>& character) {
  const std::vector<std::uint8_t> line = input_.edited_bytes();
  std::size_t first = line.size();
  while (first != 0 && is_continuation(settings_, line[first - 1])) --first;
  if (first == 0) return false;
  --first;
  character.assign(line.begin() + static_cast<std::ptrdiff_t>(first), line.end());
  for (std::size_t i = 0; i < character.size(); ++i) input_.pop_last();
  return true;
}

void LineDiscipline::erase_character() {
  std::vector<std::uint8_t> character;
  if (input_.edited() == 0 || !pop_character(character)) return;
  if (has_local(ECHO)) echo_erased(character, true);
  if (input_.edited() == 0 && has_local(ECHO)) finish_erasing();
}

// What is no word at the end of the line, then the word before it.
void LineDiscipline::erase_word() {
  bool in_word = false;
  std::vector<std::uint8_t> character;
  while (input_.edited() != 0 && pop_character(character)) {
    const bool word = is_word_byte(character.front());
    if (!word && in_word) {
      for (const std::uint8_t byte : character) input_.push(byte);
      break;
    }
    in_word = word;
    if (has_local(ECHO)) echo_erased(character, false);
  }
  if (input_.edited() == 0 && has_local(ECHO)) finish_erasing();
}

void LineDiscipline::kill_line() {
  if (input_.edited() == 0) return;
  if (!has_local(ECHO)) return input_.drop_edited();
  if (!has_local(ECHOK) || !has_local(ECHOKE) || !has_local(ECHOE)) {
    input_.drop_edited();
    finish_erasing();
    echo(settings_.c_cc[VKILL]);
    if (has_local(ECHOK)) echo_plain('\n');
    return;
  }
  std::vector<std::uint8_t> character;
  while (input_.edited() != 0 && pop_character(character)) echo_erased(character, false);
  if (input_.edited() == 0) finish_erasing();
}

// `single`: by VERASE, which without ECHOE only shows itself.
void LineDiscipline::echo_erased(std::span<const std::uint8_t> character, bool single) {
  if (has_local(ECHOPRT)) {
    if (!erasing_) echo_plain('\\');
    erasing_ = true;
    for (const std::uint8_t byte : character) echo(byte);
  } else if (single && !has_local(ECHOE)) {
    echo(settings_.c_cc[VERASE]);
  } else if (character.front() == '\t') {
    echo_erased_tab();
  } else if (is_unprintable(character.front())) {
    echo_visible_width(has_local(ECHOCTL) ? 2 : 0);
  } else {
    echo_visible_width(1);
  }
}

void LineDiscipline::echo_visible_width(unsigned columns) {
  for (unsigned i = 0; i < columns; ++i)
    for (const char byte : {'\b', ' ', '\b'}) echo_plain(static_cast<std::uint8_t>(byte));
}

// Back to where the cursor stood before the tab, which follows from what is before it on the line.
void LineDiscipline::echo_erased_tab() {
  unsigned column = line_column_;
  for (const std::uint8_t byte : input_.edited_bytes()) {
    if (byte == '\t') {
      column += 8 - column % 8;
    } else if (is_unprintable(byte)) {
      column += has_local(ECHOCTL) ? 2 : 0;
    } else if (!is_continuation(settings_, byte)) {
      ++column;
    }
  }
  for (unsigned width = 8 - column % 8; width != 0; --width) echo_plain('\b');
}

void LineDiscipline::reprint() {
  finish_erasing();
  echo(settings_.c_cc[VREPRINT]);
  echo_plain('\n');
  for (const std::uint8_t byte : input_.edited_bytes()) echo(byte);
}

}  // namespace runsc
