// Pty: one pseudoterminal (pty(7)): the state that its master and its slaves share.
#pragma once

#include <sys/ioctl.h>

#include <memory>
#include <optional>

#include "boot/base/lock.h"
#include "boot/fs/devpts/line_discipline.h"
#include "boot/kernel/deadline.h"
#include "boot/kernel/terminal.h"
#include "boot/kernel/wait_queue.h"
#include "boot/vfs/io.h"

namespace runsc {

class Kernel;

// Thread-safe. Nothing blocks: EAGAIN. The names say for which side an operation is.
class Pty : public Terminal {
 public:
  // How much the master may write before the line discipline takes it.
  static constexpr std::size_t kTypedCapacity = 8192;

  Pty(Kernel& kernel, unsigned index) : kernel_(kernel), index_(index) {}

  unsigned index() const { return index_; }
  Kernel& kernel() const { return kernel_; }
  WaitQueue& master_queue() { return master_queue_; }
  WaitQueue& slave_queue() { return slave_queue_; }

  // Terminal: /dev/tty, and what /proc shows.
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
  std::uint64_t device() const override;

  // One more open slave. Returns what hung_up() is asked with. EIO: locked, or the master is closed; EBUSY: exclusive,
  // and not `privileged`.
  Result<unsigned> open_slave(bool privileged);
  void close_slave();
  // The terminal is no more: hangs up.
  void close_master();
  // Cuts off all slaves that are open now (vhangup(2)).
  void hang_up() override;
  bool hung_up(unsigned opened) const;

  Result<std::size_t> master_read(IoSink& sink);
  Result<std::size_t> master_write(IoSource& source);
  EventMask master_readiness() const;
  std::size_t master_readable() const;
  // `patient`: the caller can wait, so that VMIN and VTIME count.
  Result<std::size_t> slave_read(IoSink& sink, bool patient);
  Result<std::size_t> slave_write(IoSource& source);
  EventMask slave_readiness() const;
  std::size_t slave_readable() const;
  // When a read that began at `started_ns` (CLOCK_MONOTONIC) returns with what there is (VTIME).
  OptionalDeadline slave_read_deadline(std::int64_t started_ns) const;

  Termios settings() const;
  void set_settings(const Termios& settings, bool flush_input);
  winsize window_size() const;
  // SIGWINCH to the foreground when it changes.
  void set_window_size(const winsize& size);
  bool locked() const;
  void set_locked(bool locked);
  bool exclusive() const;
  void set_exclusive(bool exclusive);
  bool packet_mode() const;
  void set_packet_mode(bool on);

  // TCFLSH, TCXONC of the slave and of the master. EINVAL: unknown queue or action.
  Result<void> slave_flush(int queue);
  Result<void> master_flush(int queue);
  Result<void> slave_flow(int action);
  // To the foreground process group.
  void signal_foreground(int signal);

 private:
  struct State {
    LineDiscipline line;
    ByteQueue typed;  // by the master, not taken by the line discipline yet
    winsize window{};
    unsigned slaves = 0;
    unsigned hang_ups = 0;
    bool master_open = true;
    bool slave_closed = false;  // the last one was
    bool locked = true;
    bool exclusive = false;
    bool packet_mode = false;
    std::uint8_t packet_status = 0;  // TIOCPKT_*
    std::int64_t last_typed_ns = 0;  // when input last came, CLOCK_MONOTONIC
  };
  // What must be told once the lock is released.
  struct News {
    InputEffects effects;
    EventMask master = 0;
    EventMask slave = 0;
  };
  static void report_status(State& state, std::uint8_t set, std::uint8_t clear, News& news);
  static void take_typed(State& state, News& news);
  static void flush_typed(State& state, News& news);
  static void flush_output(State& state, News& news);
  static bool input_ready(const State& state, std::size_t wanted);
  void tell(const News& news);

  Kernel& kernel_;
  const unsigned index_;
  WaitQueue master_queue_;
  WaitQueue slave_queue_;
  Guarded<State, LockLevel::kTty> state_;
};
using PtyPtr = std::shared_ptr<Pty>;

}  // namespace runsc
