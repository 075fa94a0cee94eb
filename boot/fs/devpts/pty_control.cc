// Settings, flow and queues of a pseudoterminal: what its ioctls do.
#include <csignal>

#include "boot/fs/devpts/pty.h"

namespace runsc {
namespace {

constexpr EventMask kReadable = POLLIN | POLLRDNORM;
constexpr EventMask kWritable = POLLOUT | POLLWRNORM;

// What packet mode calls flow control by ^S and ^Q.
bool has_usual_flow(const Termios& settings) {
  return (settings.c_iflag & IXON) != 0 && settings.c_cc[VSTOP] == 023 && settings.c_cc[VSTART] == 021;
}

}  // namespace

Termios Pty::settings() const { return state_.lock()->line.settings(); }

void Pty::set_settings(const Termios& settings, bool flush_input) {
  News news;
  {
    auto state = state_.lock();
    if (flush_input) {
      state->typed.clear();
      flush_typed(*state, news);
    }
    const bool had_flow = has_usual_flow(state->line.settings());
    state->line.set_settings(settings);
    const bool has_flow = has_usual_flow(settings);
    if (had_flow != has_flow)
      report_status(*state, has_flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, has_flow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP,
                    news);
    take_typed(*state, news);
    // Readers look again: bytes may now be lines, or no lines any more.
    news.slave |= kReadable | kWritable;
    news.master |= kReadable | kWritable;
  }
  tell(news);
}

winsize Pty::window_size() const { return state_.lock()->window; }

void Pty::set_window_size(const winsize& size) {
  {
    auto state = state_.lock();
    winsize& window = state->window;
    const bool same = window.ws_row == size.ws_row && window.ws_col == size.ws_col &&
                      window.ws_xpixel == size.ws_xpixel && window.ws_ypixel == size.ws_ypixel;
    if (same) return;
    window = size;
  }
  signal_foreground(SIGWINCH);
}

bool Pty::locked() const { return state_.lock()->locked; }
void Pty::set_locked(bool locked) { state_.lock()->locked = locked; }
bool Pty::exclusive() const { return state_.lock()->exclusive; }
void Pty::set_exclusive(bool exclusive) { state_.lock()->exclusive = exclusive; }
bool Pty::packet_mode() const { return state_.lock()->packet_mode; }

void Pty::set_packet_mode(bool on) {
  auto state = state_.lock();
  if (on && !state->packet_mode) state->packet_status = 0;
  state->packet_mode = on;
}

Result<void> Pty::slave_flush(int queue) {
  if (queue != TCIFLUSH && queue != TCOFLUSH && queue != TCIOFLUSH) return Errno(EINVAL);
  News news;
  {
    auto state = state_.lock();
    if (queue != TCOFLUSH) {
      flush_typed(*state, news);
      take_typed(*state, news);
    }
    if (queue != TCIFLUSH) flush_output(*state, news);
  }
  tell(news);
  return {};
}

// The master's input is the slave's output; its output is what the line discipline has not taken yet.
Result<void> Pty::master_flush(int queue) {
  if (queue != TCIFLUSH && queue != TCOFLUSH && queue != TCIOFLUSH) return Errno(EINVAL);
  News news;
  {
    auto state = state_.lock();
    if (queue != TCOFLUSH) {
      state->line.output().clear();
      news.slave |= kWritable;
    }
    if (queue != TCIFLUSH) {
      state->typed.clear();
      news.master |= kWritable;
    }
  }
  tell(news);
  return {};
}

Result<void> Pty::slave_flow(int action) {
  if (action < TCOOFF || action > TCION) return Errno(EINVAL);
  News news;
  {
    auto state = state_.lock();
    LineDiscipline& line = state->line;
    if (action == TCOOFF) {
      line.stop_by_program();
      report_status(*state, TIOCPKT_STOP, TIOCPKT_START, news);
    } else if (action == TCOON) {
      line.start_by_program();
      report_status(*state, TIOCPKT_START, TIOCPKT_STOP, news);
      news.slave |= kWritable;
      news.master |= kReadable;
    } else {
      // Tells the other side to stop or to go on.
      const std::uint8_t byte = line.settings().c_cc[action == TCIOFF ? VSTOP : VSTART];
      if (byte != 0 && line.output().size() < 2 * LineDiscipline::kOutputCapacity) line.output().push(byte);
      news.master |= kReadable;
    }
  }
  tell(news);
  return {};
}

}  // namespace runsc
