#include "boot/fs/devpts/line_discipline.h"

#include <algorithm>
#include <csignal>

namespace runsc {

void LineDiscipline::set_settings(const Termios& settings) {
  const bool was_by_lines = by_lines();
  settings_ = settings;
  if (by_lines() != was_by_lines) {
    // What is there stays readable: as one line, or as bytes.
    if (by_lines()) {
      input_.make_line_of_all();
    } else {
      input_.forget_lines();
    }
    literal_next_ = erasing_ = false;
  }
  // Without flow control nobody could start it again by typing.
  if (!has_input(IXON) && stopped_ && !stopped_by_program_) start();
}

// Whether one more byte may be processed. By lines, a line that nobody can read yet must not block its own end: its
// last byte gives way.
bool LineDiscipline::make_room() {
  const std::size_t needed = has_input(PARMRK) ? 3 : 1;
  if (input_.size() + needed < InputBuffer::kCapacity) return true;
  if (!by_lines() || input_.complete() != 0) return false;
  if (input_.size() >= InputBuffer::kCapacity) input_.pop_last();
  return true;
}

std::size_t LineDiscipline::receive(std::span<const std::uint8_t> bytes, InputEffects& effects) {
  std::size_t taken = 0;
  while (taken < bytes.size() && make_room()) receive_byte(bytes[taken++], effects);
  return taken;
}

void LineDiscipline::receive_byte(std::uint8_t byte, InputEffects& effects) {
  if (has_input(ISTRIP)) byte &= 0x7f;
  if (has_input(IUCLC) && has_local(IEXTEN) && byte >= 'A' && byte <= 'Z')
    byte = static_cast<std::uint8_t>(byte | 0x20);
  if (has_local(EXTPROC)) return store(byte);
  if (literal_next_) {
    literal_next_ = false;
    echo_typed(byte);
    return store_parity_mark(byte);
  }
  if (handle_flow(byte) || handle_signal(byte, effects)) return;
  if (stopped_ && !stopped_by_program_ && has_input(IXON) && has_input(IXANY)) start();
  if (byte == '\r') {
    if (has_input(IGNCR)) return;
    if (has_input(ICRNL)) byte = '\n';
  } else if (byte == '\n' && has_input(INLCR)) {
    byte = '\r';
  }
  if (by_lines() && (handle_editing(byte) || handle_line_end(byte))) return;
  echo_typed(byte);
  store_parity_mark(byte);
}

bool LineDiscipline::handle_flow(std::uint8_t byte) {
  if (!has_input(IXON)) return false;
  if (is(VSTART, byte)) {
    start();
    return true;
  }
  if (!is(VSTOP, byte)) return false;
  stop();
  return true;
}

bool LineDiscipline::handle_signal(std::uint8_t byte, InputEffects& effects) {
  if (!has_local(ISIG)) return false;
  const int signal = is(VINTR, byte) ? SIGINT : is(VQUIT, byte) ? SIGQUIT : is(VSUSP, byte) ? SIGTSTP : 0;
  if (signal == 0) return false;
  effects.signals.push_back(signal);
  if (!has_local(NOFLSH)) {
    flush_output();
    held_echo_.clear();
    flush_input();
    effects.flushed_input = effects.flushed_output = true;
  }
  if (has_input(IXON)) start();
  if (has_local(ECHO)) echo(byte);
  return true;
}

bool LineDiscipline::handle_editing(std::uint8_t byte) {
  const bool extended = has_local(IEXTEN);
  if (is(VERASE, byte)) {
    erase_character();
  } else if (is(VKILL, byte)) {
    kill_line();
  } else if (extended && is(VWERASE, byte)) {
    erase_word();
  } else if (extended && is(VLNEXT, byte)) {
    begin_literal();
  } else if (extended && has_local(ECHO) && is(VREPRINT, byte)) {
    reprint();
  } else {
    return false;
  }
  return true;
}

bool LineDiscipline::handle_line_end(std::uint8_t byte) {
  if (byte == '\n') {
    if (has_local(ECHO | ECHONL)) echo_plain('\n');
    input_.push_line_end('\n');
    return true;
  }
  if (is(VEOF, byte)) {
    input_.push_end_of_file();
    return true;
  }
  if (!is(VEOL, byte) && !(is(VEOL2, byte) && has_local(IEXTEN))) return false;
  if (has_local(ECHO)) echo_typed(byte);
  input_.push_line_end(byte);
  return true;
}

void LineDiscipline::store(std::uint8_t byte) {
  input_.push(byte);
  if (!by_lines()) input_.complete_all();
}

// With PARMRK the byte 0377 begins a mark, and is doubled where it is itself meant.
void LineDiscipline::store_parity_mark(std::uint8_t byte) {
  if (byte == 0xff && has_input(PARMRK)) store(byte);
  store(byte);
}

void LineDiscipline::flush_input() {
  input_.clear();
  literal_next_ = erasing_ = false;
}

void LineDiscipline::begin_literal() {
  literal_next_ = true;
  if (!has_local(ECHO)) return;
  finish_erasing();
  if (!has_local(ECHOCTL)) return;
  echo_target().push('^');
  echo_target().push('\b');
}

std::size_t LineDiscipline::output_room() const {
  if (stopped_ || output_.size() >= kOutputCapacity) return 0;
  const bool expands_tabs = (settings_.c_oflag & OPOST) != 0 && (settings_.c_oflag & TABDLY) == XTABS;
  const std::size_t expansion = expands_tabs ? OutputProcessor::kLargestExpansion : 2;
  const std::size_t room = kOutputCapacity - output_.size();
  return (settings_.c_oflag & OPOST) != 0 ? room / expansion : room;
}

void LineDiscipline::write(std::span<const std::uint8_t> bytes) {
  if ((settings_.c_oflag & OPOST) == 0) return output_.push(bytes);
  for (const std::uint8_t byte : bytes) processor_.process(settings_, byte, output_);
}

void LineDiscipline::stop() { stopped_ = true; }

void LineDiscipline::start() {
  if (!stopped_ || stopped_by_program_) return;
  stopped_ = false;
  output_.push(held_echo_.bytes());
  held_echo_.clear();
}

void LineDiscipline::stop_by_program() { stopped_ = stopped_by_program_ = true; }

void LineDiscipline::start_by_program() {
  stopped_by_program_ = false;
  start();
}

}  // namespace runsc
