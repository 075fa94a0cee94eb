// LineDiscipline: what a terminal does with the bytes between keyboard and program (n_tty of Linux; termios(3)): line
// editing, echo, signal characters, flow control, output processing. It knows no tasks, locks or files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "boot/fs/devpts/byte_queue.h"
#include "boot/fs/devpts/input_buffer.h"
#include "boot/fs/devpts/output_processor.h"
#include "boot/fs/devpts/settings.h"

namespace runsc {

// What the input of bytes brings about outside the line discipline.
struct InputEffects {
  std::vector<int> signals;    // for the foreground process group, in order
  bool flushed_input = false;  // by a signal character
  bool flushed_output = false;
};

// Not thread-safe.
class LineDiscipline {
 public:
  // How much output may wait for the master.
  static constexpr std::size_t kOutputCapacity = 16384;
  // Output that has got so far is out of reach of a flush: the master has it, only nobody has read it yet.
  static constexpr std::size_t kBeyondFlush = 4096;

  const Termios& settings() const { return settings_; }
  void set_settings(const Termios& settings);
  bool has_local(tcflag_t flag) const { return (settings_.c_lflag & flag) != 0; }
  bool by_lines() const { return has_local(ICANON); }

  // Typed bytes. Returns how many were taken: fewer while nobody reads and the buffer is full.
  std::size_t receive(std::span<const std::uint8_t> bytes, InputEffects& effects);
  const InputBuffer& input() const { return input_; }
  void consume_input(std::size_t count) { input_.consume(count, by_lines()); }
  void flush_input();

  // A program's output. All of it is taken: the caller respects output_room().
  void write(std::span<const std::uint8_t> bytes);
  // How many bytes write() may be given now; 0 while output is stopped.
  std::size_t output_room() const;
  ByteQueue& output() { return output_; }
  // Drops what the master has not got yet.
  void flush_output() { output_.truncate(kBeyondFlush); }

  // Flow control: STOP and START typed, TCOOFF and TCOON of tcflow(3). A stop by a program is undone by none but it.
  bool stopped() const { return stopped_; }
  void stop();
  void start();
  void stop_by_program();
  void start_by_program();

 private:
  bool has_input(tcflag_t flag) const { return (settings_.c_iflag & flag) != 0; }
  bool is(int which, std::uint8_t byte) const { return is_control(settings_, which, byte); }
  bool make_room();
  void receive_byte(std::uint8_t byte, InputEffects& effects);
  bool handle_flow(std::uint8_t byte);
  bool handle_signal(std::uint8_t byte, InputEffects& effects);
  bool handle_editing(std::uint8_t byte);
  bool handle_line_end(std::uint8_t byte);
  void store(std::uint8_t byte);
  void store_parity_mark(std::uint8_t byte);

  void erase_character();
  void erase_word();
  void kill_line();
  // Takes the last character, of several bytes perhaps, off the edited line. False: there is no whole one.
  bool pop_character(std::vector<std::uint8_t>& character);
  void echo_erased(std::span<const std::uint8_t> character, bool single);
  void echo_erased_tab();
  void reprint();
  void begin_literal();

  void echo(std::uint8_t byte);               // ^X for control characters where ECHOCTL says so
  void echo_plain(std::uint8_t byte);         // processed as output
  void echo_typed(std::uint8_t byte);         // a byte that goes into the buffer
  void echo_visible_width(unsigned columns);  // rubs out that many columns
  void finish_erasing();                      // the end of what ECHOPRT shows
  bool echo_has_room() const { return output_.size() + held_echo_.size() < kOutputCapacity + InputBuffer::kCapacity; }
  ByteQueue& echo_target() { return stopped_ ? held_echo_ : output_; }

  Termios settings_ = default_settings();
  InputBuffer input_;
  OutputProcessor processor_;
  ByteQueue output_;
  ByteQueue held_echo_;        // while stopped
  unsigned line_column_ = 0;   // where the edited line begins on the screen
  bool literal_next_ = false;  // after VLNEXT
  bool erasing_ = false;       // between the \ and / of ECHOPRT
  bool stopped_ = false;
  bool stopped_by_program_ = false;
};

}  // namespace runsc
