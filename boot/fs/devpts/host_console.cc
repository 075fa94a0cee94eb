#include "boot/fs/devpts/host_console.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

#include "boot/base/host_call.h"
#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/kernel/host_poller.h"

namespace runsc {
namespace {

constexpr std::size_t kInputChunk = 4096;
constexpr std::size_t kOutputChunk = 16384;
// How often one console moves bytes before the others have their turn.
constexpr int kRounds = 16;
// How long drain() waits for somebody who does not read.
constexpr std::int64_t kPatience = 2 * kNanosecondsPerSecond;

// cfmakeraw(3), which knows glibc's structure only. ONLCR stays: it has no effect without OPOST, but who has the master
// may have asked for it or against it.
OldTermios made_raw(OldTermios settings) {
  settings.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  settings.c_cflag = (settings.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB)) | CS8;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  return settings;
}

// Returns what the settings were.
Result<OldTermios> make_raw(int fd) {
  OldTermios before{};
  if (::ioctl(fd, TCGETS, &before) != 0) return last_errno();
  const OldTermios raw = made_raw(before);
  TRY(HOST_CALL(::ioctl(fd, TCSETS, &raw)));
  const int flags = TRY(HOST_CALL(::fcntl(fd, F_GETFL)));
  TRY(HOST_CALL(::fcntl(fd, F_SETFL, flags | O_NONBLOCK)));
  return before;
}

Termios first_settings(const OldTermios& host) {
  Termios settings = default_settings();
  if ((host.c_oflag & ONLCR) == 0) settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  return settings;
}

}  // namespace

HostConsole::HostConsole(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host, ConsoleLife life,
                         std::shared_ptr<ConsoleBell> bell)
    : pty_(std::move(pty)), devpts_(std::move(devpts)), life_(life), bell_(std::move(bell)), host_fd_(host.get()) {
  *host_.lock() = std::move(host);
  pty_->master_queue().add(*bell_, kAllEvents);
}

Result<HostConsolePtr> HostConsole::make(PtyPtr pty, std::shared_ptr<DevptsFileSystem> devpts, UniqueFd host,
                                         ConsoleLife life, std::shared_ptr<ConsoleBell> bell) {
  const OldTermios before = TRY(make_raw(host.get()));
  pty->set_settings(first_settings(before), false);
  HostConsolePtr made(new HostConsole(std::move(pty), std::move(devpts), std::move(host), life, std::move(bell)));
  made->copy_window_size();
  return made;
}

HostConsole::~HostConsole() {
  if (!ended()) end();
  pty_->master_queue().remove(*bell_);
}

void HostConsole::copy_window_size() {
  winsize size{};
  {
    auto host = host_.lock();
    if (!host->valid() || ::ioctl(host->get(), TIOCGWINSZ, &size) != 0) return;
  }
  pty_->set_window_size(size);
}

void HostConsole::drain() {
  const auto done = std::make_shared<std::latch>(1);
  {
    auto drains = drains_.lock();
    if (drains->ended) return;
    drains->since_ns = now_ns(CLOCK_MONOTONIC);
    drains->waiting.push_back(done);
  }
  bell_->ring();
  done->wait();
}

short HostConsole::awaited_events() const {
  return static_cast<short>((inbound_.empty() ? POLLIN : 0) | (outbound_.empty() ? 0 : POLLOUT));
}

bool HostConsole::step() {
  bool moved = true;
  for (int round = 0; moved && round < kRounds; ++round) {
    const bool in = !ended() && take_input();
    const bool out = !ended() && give_output();
    moved = in || out;
  }
  return moved && !ended();
}

bool HostConsole::take_input() {
  const bool came = inbound_.empty() && read_host();
  if (inbound_.empty()) return came;
  BufferSource source(std::as_bytes(inbound_.bytes()));
  const Result<std::size_t> count = pty_->master_write(source);
  if (!count.ok()) return came;
  inbound_.consume(*count);
  return came || *count != 0;
}

bool HostConsole::give_output() {
  bool came = false;
  if (outbound_.empty()) {
    std::array<std::byte, kOutputChunk> chunk;
    BufferSink sink(chunk);
    const Result<std::size_t> count = pty_->master_read(sink);
    if (!count.ok() && count.error() == Errno(EIO) && life_ == ConsoleLife::kSlaves) end();
    if (!count.ok()) return false;
    outbound_.push({reinterpret_cast<const std::uint8_t*>(chunk.data()), *count});
    came = true;
  }
  return write_host() || came;
}

bool HostConsole::read_host() {
  std::array<std::uint8_t, kInputChunk> chunk;
  const ssize_t count = ::read(host_fd_, chunk.data(), chunk.size());
  if (count > 0) inbound_.push(std::span(chunk).first(static_cast<std::size_t>(count)));
  if (count <= 0) note_host_error(count < 0 ? errno : EIO);
  return count > 0;
}

bool HostConsole::write_host() {
  const auto bytes = outbound_.bytes();
  const ssize_t count = ::write(host_fd_, bytes.data(), bytes.size());
  if (count < 0) note_host_error(errno);
  if (count <= 0) return false;
  outbound_.consume(static_cast<std::size_t>(count));
  last_progress_ns_ = now_ns(CLOCK_MONOTONIC);
  return true;
}

// The host says EIO, or gives nothing, when the master is gone; and a raw terminal gives nothing else that way. But who
// has the master could change its settings, so the host is asked.
void HostConsole::note_host_error(int error) {
  if (error == EAGAIN || error == EINTR) return;
  if ((HostPoller::readiness(host_fd_, 0) & POLLHUP) != 0) end();
}

void HostConsole::end() {
  host_fd_ = -1;
  host_.lock()->reset();
  outbound_.clear();
  inbound_.clear();
  devpts_->remove_pty(pty_->index());
  pty_->close_master();
  serve_drains();
}

std::optional<std::int64_t> HostConsole::serve_drains() {
  std::vector<std::shared_ptr<std::latch>> done;
  const bool empty = outbound_.empty() && pty_->master_readable() == 0;
  {
    auto drains = drains_.lock();
    drains->ended = ended();
    const std::int64_t until = std::max(last_progress_ns_, drains->since_ns) + kPatience;
    if (drains->waiting.empty()) return std::nullopt;
    if (!ended() && !empty && now_ns(CLOCK_MONOTONIC) < until) return until;
    done.swap(drains->waiting);
  }
  for (const auto& drain : done) drain->count_down();
  return std::nullopt;
}

}  // namespace runsc
