#include "sandbox/donation.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

constexpr const char kPrefix[] = "--fds=";

int move_above(int fd, int lowest) {
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (moved < 0) throw_system_error("duplicate descriptor " + std::to_string(fd));
  return moved;
}

void put_at(int fd, int target) {
  if (::dup2(fd, target) < 0) throw_system_error("place descriptor " + std::to_string(target));
}

void close_from(int first) {
  if (::syscall(SYS_close_range, first, ~0U, 0) != 0) throw_system_error("close_range");
}

}  // namespace

int Donation::add(const std::string& name, int fd) {
  if (fd < 0) return -1;
  entries_.push_back({name, fd});
  return kFirst + static_cast<int>(entries_.size()) - 1;
}

void Donation::set_stdio(int in, int out, int error) {
  stdio_[0] = in;
  stdio_[1] = out;
  stdio_[2] = error;
}

std::string Donation::argument() const {
  std::string out = kPrefix;
  int number = kFirst;
  for (const Entry& entry : entries_) {
    if (number > kFirst) out += ',';
    out += entry.name + "=" + std::to_string(number++);
  }
  return out;
}

int Donation::place(int keep) const {
  // Sources may lie where targets go: first everything moves above the last target.
  const int end = kFirst + static_cast<int>(entries_.size());
  std::vector<std::pair<int, int>> moves;
  for (int i = 0; i < 3; ++i) moves.emplace_back(move_above(stdio_[i], end + 1), i);
  for (int i = 0; i < static_cast<int>(entries_.size()); ++i) {
    moves.emplace_back(move_above(entries_[static_cast<std::size_t>(i)].fd, end + 1), kFirst + i);
  }
  const int kept = keep < 0 ? -1 : move_above(keep, end + 1);
  for (const auto& [from, to] : moves) put_at(from, to);
  if (kept < 0) {
    close_from(end);
    return -1;
  }
  if (::dup3(kept, end, O_CLOEXEC) < 0) throw_system_error("place the program's descriptor");
  close_from(end + 1);
  return end;
}

DonatedFds::DonatedFds(const std::string& argument) {
  if (argument.rfind(kPrefix, 0) != 0) throw UserError("not a list of descriptors: " + argument);
  std::string_view rest = std::string_view(argument).substr(sizeof(kPrefix) - 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    int fd = -1;
    if (equals != std::string_view::npos) std::from_chars(item.data() + equals + 1, item.data() + item.size(), fd);
    if (fd < Donation::kFirst || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      throw UserError("not an open descriptor: " + std::string(item));
    }
    fds_[std::string(item.substr(0, equals))] = UniqueFd(fd);
  }
}

UniqueFd DonatedFds::take(const std::string& name) {
  auto node = fds_.extract(name);
  return node.empty() ? UniqueFd() : std::move(node.mapped());
}

std::vector<UniqueFd> DonatedFds::take_list(const std::string& name) {
  std::vector<UniqueFd> out;
  while (true) {
    UniqueFd fd = take(name + std::to_string(out.size()));
    if (!fd) return out;
    out.push_back(std::move(fd));
  }
}

void DonatedFds::expect_empty() const {
  if (!fds_.empty()) throw UserError("descriptor \"" + fds_.begin()->first + "\" was given to nobody");
}

}  // namespace runsc
