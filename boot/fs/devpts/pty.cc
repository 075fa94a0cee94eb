#include "boot/fs/devpts/pty.h"

#include <sys/sysmacros.h>

#include <array>

#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/fs/devpts/slave_file.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"

namespace runsc {
namespace {

constexpr EventMask kReadable = POLLIN | POLLRDNORM;
constexpr EventMask kWritable = POLLOUT | POLLWRNORM;
constexpr EventMask kHungUp = kReadable | kWritable | POLLERR | POLLHUP;
constexpr std::size_t kChunk = 4096;
constexpr std::int64_t kTimeUnit = kNanosecondsPerSecond / 10;  // of VTIME

}  // namespace

Result<FilePtr> Pty::open(const VfsPath& path, OpenFlags flags) {
  return open_slave_file(std::static_pointer_cast<Pty>(shared_from_this()), path, flags);
}

std::uint64_t Pty::device() const { return makedev(kSlaveMajor, index_); }

Result<unsigned> Pty::open_slave(bool privileged) {
  auto state = state_.lock();
  if (!state->master_open || state->locked) return Errno(EIO);
  if (state->exclusive && !privileged) return Errno(EBUSY);
  ++state->slaves;
  state->slave_closed = false;
  return state->hang_ups;
}

void Pty::close_slave() {
  News news;
  {
    auto state = state_.lock();
    if (--state->slaves != 0) return;
    state->slave_closed = true;
    news.master = kReadable | POLLHUP;
  }
  tell(news);
}

void Pty::close_master() {
  {
    auto state = state_.lock();
    state->master_open = false;
  }
  hang_up();
}

void Pty::hang_up() {
  {
    auto state = state_.lock();
    ++state->hang_ups;
    state->line.flush_input();
    state->typed.clear();
  }
  {
    auto tree = kernel_.tasks().lock();
    disconnect(*tree);
  }
  slave_queue_.notify(kHungUp);
}

bool Pty::hung_up(unsigned opened) const { return state_.lock()->hang_ups != opened; }

// Only while the lock is not held.
void Pty::tell(const News& news) {
  if (news.master != 0) master_queue_.notify(news.master);
  if (news.slave != 0) slave_queue_.notify(news.slave);
  for (const int signal : news.effects.signals) signal_foreground(signal);
}

void Pty::signal_foreground(int signal) {
  auto tree = kernel_.tasks().lock();
  if (const auto group = foreground(*tree)) send_signal_to_process_group(*tree, *group, kernel_signal(signal));
}

void Pty::report_status(State& state, std::uint8_t set, std::uint8_t clear, News& news) {
  if (!state.packet_mode) return;
  state.packet_status = static_cast<std::uint8_t>((state.packet_status & ~clear) | set);
  news.master |= kReadable | POLLPRI;
}

void Pty::flush_typed(State& state, News& news) {
  state.line.flush_input();
  report_status(state, TIOCPKT_FLUSHREAD, 0, news);
}

void Pty::flush_output(State& state, News& news) {
  state.line.flush_output();
  report_status(state, TIOCPKT_FLUSHWRITE, 0, news);
  news.slave |= kWritable;
}

// As much as the line discipline has room for.
void Pty::take_typed(State& state, News& news) {
  if (state.typed.empty()) return;
  const bool was_stopped = state.line.stopped();
  const std::size_t taken = state.line.receive(state.typed.bytes(), news.effects);
  if (taken == 0) return;
  state.typed.consume(taken);
  state.last_typed_ns = now_ns(CLOCK_MONOTONIC);
  news.slave |= kReadable;
  news.master |= kWritable | (state.line.output().empty() ? 0 : kReadable);
  if (news.effects.flushed_input) report_status(state, TIOCPKT_FLUSHREAD, 0, news);
  if (news.effects.flushed_output) report_status(state, TIOCPKT_FLUSHWRITE, 0, news);
  if (was_stopped == state.line.stopped()) return;
  report_status(state, was_stopped ? TIOCPKT_START : TIOCPKT_STOP, was_stopped ? TIOCPKT_STOP : TIOCPKT_START, news);
  if (was_stopped) news.slave |= kWritable;
}

Result<std::size_t> Pty::master_write(IoSource& source) {
  News news;
  std::size_t done = 0;
  {
    auto state = state_.lock();
    std::array<std::byte, kChunk> chunk;
    while (source.remaining() != 0 && state->typed.size() < kTypedCapacity) {
      const std::size_t room = std::min(chunk.size(), kTypedCapacity - state->typed.size());
      const auto taken = source.take(std::span(chunk).first(room));
      if (!taken.ok() && done == 0) return taken;
      if (!taken.ok() || *taken == 0) break;
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(chunk.data());
      state->typed.push({bytes, *taken});
      done += *taken;
      take_typed(*state, news);
    }
  }
  tell(news);
  if (done == 0 && source.remaining() != 0) return Errno(EAGAIN);
  return done;
}

Result<std::size_t> Pty::master_read(IoSink& sink) {
  if (sink.remaining() == 0) return std::size_t{0};
  News news;
  std::size_t done = 0;
  {
    auto state = state_.lock();
    ByteQueue& output = state->line.output();
    if (state->packet_mode && state->packet_status != 0) {
      TRY(sink.put(std::as_bytes(std::span(&state->packet_status, 1))));
      state->packet_status = 0;
      return std::size_t{1};
    }
    if (output.empty()) return Errno(state->slave_closed ? EIO : EAGAIN);
    const std::byte data{TIOCPKT_DATA};
    const std::size_t header = state->packet_mode ? TRY(sink.put({&data, 1})) : 0;
    const auto put = sink.put(std::as_bytes(output.bytes()));
    if (!put.ok() && header == 0) return put;
    const std::size_t count = put.ok() ? *put : 0;
    output.consume(count);
    done = header + count;
    news.slave = kWritable;
    take_typed(*state, news);
  }
  tell(news);
  return done;
}

EventMask Pty::master_readiness() const {
  auto state = state_.lock();
  EventMask events = 0;
  if (!state->line.output().empty()) events |= kReadable;
  if (state->packet_mode && state->packet_status != 0) events |= kReadable | POLLPRI;
  if (state->slave_closed) events |= POLLHUP;
  if (state->typed.size() < kTypedCapacity) events |= kWritable;
  return events;
}

std::size_t Pty::master_readable() const { return state_.lock()->line.output().size(); }

// Whether a patient read of `wanted` bytes has enough.
bool Pty::input_ready(const State& state, std::size_t wanted) {
  const LineDiscipline& line = state.line;
  if (line.by_lines()) return line.input().complete() != 0;
  const std::size_t least = std::max<std::size_t>(line.settings().c_cc[VMIN], 1);
  return line.input().complete() >= std::min(least, std::max<std::size_t>(wanted, 1));
}

Result<std::size_t> Pty::slave_read(IoSink& sink, bool patient) {
  if (sink.remaining() == 0) return std::size_t{0};
  News news;
  std::size_t done = 0;
  {
    auto state = state_.lock();
    LineDiscipline& line = state->line;
    const Termios& settings = line.settings();
    const bool polls = !line.by_lines() && settings.c_cc[VMIN] == 0 && settings.c_cc[VTIME] == 0;
    if (!input_ready(*state, patient ? sink.remaining() : 1)) {
      if (polls) return std::size_t{0};
      return Errno(EAGAIN);
    }
    const auto bytes = line.input().peek(sink.remaining(), line.by_lines());
    done = bytes.empty() ? 0 : TRY(sink.put(bytes));
    line.consume_input(done);
    take_typed(*state, news);
  }
  tell(news);
  return done;
}

OptionalDeadline Pty::slave_read_deadline(std::int64_t started_ns) const {
  auto state = state_.lock();
  const Termios& settings = state->line.settings();
  if (state->line.by_lines() || settings.c_cc[VTIME] == 0) return std::nullopt;
  const std::int64_t duration = settings.c_cc[VTIME] * kTimeUnit;
  if (settings.c_cc[VMIN] == 0) return Deadline{CLOCK_MONOTONIC, started_ns + duration};
  // Between bytes only: the first one may take its time.
  if (state->line.input().complete() == 0) return std::nullopt;
  return Deadline{CLOCK_MONOTONIC, std::max(started_ns, state->last_typed_ns) + duration};
}

Result<std::size_t> Pty::slave_write(IoSource& source) {
  std::size_t done = 0;
  {
    auto state = state_.lock();
    std::array<std::byte, kChunk> chunk;
    while (source.remaining() != 0) {
      const std::size_t room = std::min(chunk.size(), state->line.output_room());
      if (room == 0) break;
      const auto taken = source.take(std::span(chunk).first(room));
      if (!taken.ok() && done == 0) return taken;
      if (!taken.ok() || *taken == 0) break;
      state->line.write({reinterpret_cast<const std::uint8_t*>(chunk.data()), *taken});
      done += *taken;
    }
  }
  if (done != 0) master_queue_.notify(kReadable);
  if (done == 0 && source.remaining() != 0) return Errno(EAGAIN);
  return done;
}

EventMask Pty::slave_readiness() const {
  auto state = state_.lock();
  if (!state->master_open) return kHungUp;
  EventMask events = state->line.output_room() != 0 ? kWritable : 0;
  const bool timed = state->line.settings().c_cc[VTIME] != 0;
  if (input_ready(*state, timed ? 1 : InputBuffer::kCapacity)) events |= kReadable;
  return events;
}

std::size_t Pty::slave_readable() const { return state_.lock()->line.input().complete_bytes(); }

}  // namespace runsc
