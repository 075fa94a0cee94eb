#include "boot/syscalls/control_messages.h"

#include <sys/socket.h>

#include <cstring>

#include "boot/kernel/kernel.h"

namespace runsc {
namespace {

constexpr std::size_t align(std::size_t length) { return (length + sizeof(long) - 1) & ~(sizeof(long) - 1); }
constexpr std::size_t kHeader = sizeof(cmsghdr);
static_assert(kHeader == 16 && align(kHeader) == kHeader);

// The most descriptors that may lie in unreceived messages of a sandbox, whatever the limits of its processes.
constexpr int kMaxInFlight = 16384;

Result<void> take_files(CurrentTask& task, std::span<const std::byte> data, std::vector<FilePtr>& files) {
  if (files.size() + data.size() / sizeof(int) > kMaxPassedFiles) return Errno(EINVAL);
  for (; data.size() >= sizeof(int); data = data.subspan(sizeof(int))) {
    int fd;
    std::memcpy(&fd, data.data(), sizeof fd);
    files.push_back(TRY(task.file(Fd{fd})));  // O_PATH ones too
  }
  return {};
}

// unix(7): who may claim to be whom.
Result<Sender> take_credentials(CurrentTask& task, std::span<const std::byte> data) {
  ucred claimed;
  if (data.size() != sizeof claimed) return Errno(EINVAL);
  std::memcpy(&claimed, data.data(), sizeof claimed);
  const Credentials& own = *task.credentials();
  const PidNamespace& names = *task.task().pid_namespace();
  const Uid uid = TRY(global_uid(own.user_namespace, Uid{claimed.uid}));
  const Gid gid = TRY(global_gid(own.user_namespace, Gid{claimed.gid}));
  if (claimed.pid != raw(task.group().pid(names)) && !own.has_in(names.owner(), CAP_SYS_ADMIN)) return Errno(EPERM);
  if (uid != own.real_uid && uid != own.effective_uid && uid != own.saved_uid && !own.has_at_home(CAP_SETUID))
    return Errno(EPERM);
  if (gid != own.real_gid && gid != own.effective_gid && gid != own.saved_gid && !own.has_at_home(CAP_SETGID))
    return Errno(EPERM);
  auto tree = task.kernel().tasks().lock();
  const Task* process = names.find(*tree, Pid{claimed.pid});
  if (process == nullptr) return Errno(ESRCH);
  return Sender{process->group(), uid, gid};
}

void append_message(std::vector<std::byte>& to, std::span<const std::byte> message) {
  to.insert(to.end(), message.begin(), message.end());
  to.resize(align(to.size()));
}

Result<void> check_in_flight(CurrentTask& task, const InFlightCount& count, std::size_t more) {
  const std::uint64_t now = count->load(std::memory_order_relaxed) + more;
  const bool privileged = task.capable(CAP_SYS_RESOURCE) || task.capable(CAP_SYS_ADMIN);
  if (now > kMaxInFlight || (!privileged && now > task.group().limits().soft(RLIMIT_NOFILE)))
    return Errno(ETOOMANYREFS);
  return {};
}

}  // namespace

Result<SentControl> parse_control(CurrentTask& task, Socket& socket, std::span<const std::byte> control) {
  std::vector<FilePtr> files;
  std::vector<std::byte> family;
  Sender sender = current_sender();
  while (control.size() >= kHeader) {
    cmsghdr header;
    std::memcpy(&header, control.data(), kHeader);
    if (header.cmsg_len < kHeader || header.cmsg_len > control.size()) return Errno(EINVAL);
    const auto data = control.subspan(kHeader, header.cmsg_len - kHeader);
    const auto message = control.first(header.cmsg_len);
    control = control.subspan(std::min(align(header.cmsg_len), control.size()));
    if (header.cmsg_level != SOL_SOCKET) {
      if (socket.takes_control()) append_message(family, message);
      continue;
    }
    if (header.cmsg_type == SCM_RIGHTS && socket.passed_files()) {
      TRY(take_files(task, data, files));
    } else if (socket.takes_control() && (header.cmsg_type == SCM_RIGHTS || header.cmsg_type == SCM_CREDENTIALS)) {
      // Linux ignores what is meant for unix(7).
    } else if (header.cmsg_type == SCM_CREDENTIALS) {
      sender = TRY(take_credentials(task, data));
    } else {
      return Errno(EINVAL);
    }
  }
  if (files.empty()) return SentControl{{{}, std::move(sender)}, std::move(family)};
  TRY(check_in_flight(task, socket.passed_files(), files.size()));
  PassedFiles passed(std::move(files), socket.passed_files());
  return SentControl{{std::move(passed), std::move(sender)}, std::move(family)};
}

void ControlWriter::add(int level, int type, std::span<const std::byte> data) {
  if (left() < kHeader) {
    truncated_ = true;
    return;
  }
  std::size_t length = kHeader + data.size();
  if (length > left()) {
    truncated_ = true;
    length = left();
  }
  cmsghdr header{};
  header.cmsg_len = length;
  header.cmsg_level = level;
  header.cmsg_type = type;
  const std::size_t start = bytes_.size();
  bytes_.resize(start + std::min(align(length), left()));
  std::memcpy(bytes_.data() + start, &header, kHeader);
  if (length > kHeader) std::memcpy(bytes_.data() + start + kHeader, data.data(), length - kHeader);
}

void ControlWriter::add_files(CurrentTask& task, PassedFiles files, bool close_on_exec) {
  const std::size_t most = left() < kHeader ? 0 : (left() - kHeader) / sizeof(int);
  std::vector<int> numbers;
  for (const FilePtr& file : files.files()) {
    if (numbers.size() == most) break;
    const auto fd = task.install(file, close_on_exec);
    if (!fd.ok()) break;
    numbers.push_back(raw(*fd));
  }
  if (numbers.size() < files.files().size()) truncated_ = true;
  if (!numbers.empty()) add(SOL_SOCKET, SCM_RIGHTS, std::as_bytes(std::span(numbers)));
}

void ControlWriter::add_credentials(CurrentTask& task, const Sender& sender) {
  const ucred told = shown_credentials(task, sender);
  add(SOL_SOCKET, SCM_CREDENTIALS, std::as_bytes(std::span(&told, 1)));
}

void ControlWriter::add_raw(std::span<const std::byte> messages) {
  while (messages.size() >= kHeader) {
    cmsghdr header;
    std::memcpy(&header, messages.data(), kHeader);
    if (header.cmsg_len < kHeader || header.cmsg_len > messages.size()) return;
    add(header.cmsg_level, header.cmsg_type, messages.subspan(kHeader, header.cmsg_len - kHeader));
    messages = messages.subspan(std::min(align(header.cmsg_len), messages.size()));
  }
}

}  // namespace runsc
