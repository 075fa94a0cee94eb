// The terminal of a container, from the outside: a host pseudoterminal whose replica end the sandbox gets.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

#include "boot/base/unique_fd.h"
#include "boot/loader/container_config.h"

namespace runsc {

struct PseudoTerminal {
  UniqueFd master;
  UniqueFd replica;
};

// Who shows the container's output, and so turns its newlines into CR NL.
enum class ConsoleViewer {
  kOwnTerminal,  // ConsoleRelay on a terminal that does it already: the container's shall not (as runc has it)
  kOther,        // whoever gets the master: the container's terminal does it
};

// Of `size`, else of that of the terminal on descriptor 0. The replica is raw from the beginning, so that what who gets
// the master sets on top of its settings cannot undo that (boot/fs/devpts/host_console.h). Throws UserError.
PseudoTerminal open_pseudo_terminal(const std::optional<ConsoleSize>& size, ConsoleViewer viewer);

// Sends a descriptor in one SCM_RIGHTS message to the Unix socket at `path`; `text` goes with it. Throws UserError.
void send_descriptor(const std::string& path, int fd, std::string_view text);

// Sends the master end in one SCM_RIGHTS message to the Unix socket at `path`, as `--console-socket` promises; the
// message's text is the replica's name.
void send_console(const std::string& path, const PseudoTerminal& terminal);

// The caller's own terminal, raw but for its output, for the life of this object, which does nothing when descriptor 0
// is no terminal.
class RawTerminal {
 public:
  RawTerminal();
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  std::optional<termios> saved_;
};

// Copies between descriptors 0 and 1 and the master end of a console, without ever blocking on the master.
class ConsoleRelay {
 public:
  explicit ConsoleRelay(UniqueFd master);

  int master() const { return master_.get(); }
  bool wants_input() const { return !input_ended_ && pending_.empty(); }
  bool wants_to_write() const { return !pending_.empty(); }
  void read_input();        // descriptor 0 is readable
  void write_pending();     // the master takes data
  bool read_output();       // the master is readable; false: nobody has the other end any more
  void copy_window_size();  // from descriptor 0 to the console

 private:
  UniqueFd master_;
  bool input_ended_ = false;
  std::string pending_;
};

}  // namespace runsc
