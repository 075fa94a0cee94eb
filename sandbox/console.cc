#include "sandbox/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "runsc/common/unix_address.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void set_raw(int fd, ConsoleViewer viewer) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) throw_system_error("read the settings of the pseudoterminal");
  ::cfmakeraw(&settings);
  // Without effect in raw mode, but what the container's own terminal begins with.
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  if (viewer == ConsoleViewer::kOther) settings.c_oflag |= ONLCR;
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) throw_system_error("make the pseudoterminal raw");
}

}  // namespace

PseudoTerminal open_pseudo_terminal(const std::optional<ConsoleSize>& size, ConsoleViewer viewer) {
  PseudoTerminal out;
  out.master = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!out.master) throw_system_error("open a pseudoterminal");
  if (::unlockpt(out.master.get()) != 0) throw_system_error("unlock the pseudoterminal");
  // Not by its name, which may be another terminal's in this mount namespace.
  out.replica = UniqueFd(::ioctl(out.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!out.replica) throw_system_error("open the pseudoterminal's other end");
  set_raw(out.replica.get(), viewer);
  winsize window{};
  if (size) {
    window.ws_row = size->rows;
    window.ws_col = size->columns;
  } else if (::ioctl(0, TIOCGWINSZ, &window) != 0) {
    return out;
  }
  ::ioctl(out.master.get(), TIOCSWINSZ, &window);
  return out;
}

void send_descriptor(const std::string& path, int fd, std::string_view text) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw_system_error("socket");
  const UnixAddress address(path);
  if (::connect(socket.get(), address.get(), address.size()) != 0) throw_system_error("connect to " + path);
  iovec content{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) throw_system_error("send a descriptor to " + path);
}

void send_console(const std::string& path, const PseudoTerminal& terminal) {
  std::array<char, 64> name{};
  if (::ptsname_r(terminal.master.get(), name.data(), name.size()) != 0) std::strcpy(name.data(), "/dev/ptmx");
  send_descriptor(path, terminal.master.get(), name.data());
}

RawTerminal::RawTerminal() {
  termios settings{};
  if (::tcgetattr(0, &settings) != 0) return;
  saved_ = settings;
  ::cfmakeraw(&settings);
  settings.c_oflag |= OPOST;
  ::tcsetattr(0, TCSADRAIN, &settings);
}

RawTerminal::~RawTerminal() {
  if (saved_) ::tcsetattr(0, TCSADRAIN, &*saved_);
}

ConsoleRelay::ConsoleRelay(UniqueFd master) : master_(std::move(master)) {
  ::fcntl(master_.get(), F_SETFL, ::fcntl(master_.get(), F_GETFL) | O_NONBLOCK);
}

void ConsoleRelay::read_input() {
  std::array<char, 4096> chunk{};
  const ssize_t count = ::read(0, chunk.data(), chunk.size());
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) input_ended_ = true;
  if (count > 0) pending_.append(chunk.data(), static_cast<std::size_t>(count));
  write_pending();
}

void ConsoleRelay::write_pending() {
  const ssize_t count = pending_.empty() ? 0 : ::write(master_.get(), pending_.data(), pending_.size());
  if (count > 0) pending_.erase(0, static_cast<std::size_t>(count));
}

bool ConsoleRelay::read_output() {
  std::array<char, 16384> chunk{};
  const ssize_t count = ::read(master_.get(), chunk.data(), chunk.size());
  if (count > 0) write_all(1, {chunk.data(), static_cast<std::size_t>(count)});
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

void ConsoleRelay::copy_window_size() {
  winsize window{};
  if (::ioctl(0, TIOCGWINSZ, &window) == 0) ::ioctl(master_.get(), TIOCSWINSZ, &window);
}

}  // namespace runsc
