// POSIX message queues: mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
#include <mqueue.h>
#include <signal.h>
#include <sys/resource.h>

#include "boot/fs/mqueue/mqueue_file_system.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/signal_event.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

// struct mq_attr, whose spare words glibc hides.
struct Attributes {
  std::int64_t flags = 0;
  std::int64_t max_messages = 0;
  std::int64_t message_size = 0;
  std::int64_t messages = 0;
  std::int64_t reserved[4] = {};
};
static_assert(sizeof(Attributes) == 64 && sizeof(Attributes) == sizeof(mq_attr));

Result<std::shared_ptr<MqueueFileSystem>> queues_of(CurrentTask& task) {
  MountRequest request;
  request.ipc = task.task().resources().ipc;
  const FileSystemPtr found = TRY(task.fs().mounts()->services().file_systems.make(nullptr, "mqueue", request));
  auto queues = std::dynamic_pointer_cast<MqueueFileSystem>(found);
  if (!queues) return Errno(ENOSYS);
  return queues;
}

constexpr std::size_t kPathMax = 4096;

// One component; the C library has taken the leading slash away.
Result<std::string> read_name(CurrentTask& task, UserString from) {
  std::string name = TRY(task.read_string(from, kPathMax, Errno(ENAMETOOLONG)));
  if (name.empty()) return Errno(ENOENT);
  if (name.find('/') != std::string::npos || name == "." || name == "..") return Errno(EACCES);
  if (name.size() > kNameMax) return Errno(ENAMETOOLONG);
  return name;
}

Result<InodePtr> find_or_make(CurrentTask& task, MqueueFileSystem& queues, const std::string& name, OpenFlags flags,
                              Mode mode, const std::optional<MqueueLimits>& limits) {
  Result<InodePtr> found = queues.find(name);
  if (found.ok()) return flags.has(O_CREAT) && flags.has(O_EXCL) ? Result<InodePtr>(Errno(EEXIST)) : found;
  if (!flags.has(O_CREAT)) return found;
  const Credentials& credentials = *task.credentials();
  const NewFile file{mode.bits & 07777 & ~task.fs().umask(), credentials.fs_uid, credentials.fs_gid};
  const std::uint64_t limit = task.group().limits().get(RLIMIT_MSGQUEUE).soft;
  return queues.make_queue(name, file, limits.value_or(MqueueLimits{}), task.capable(CAP_SYS_RESOURCE), limit);
}

Result<std::shared_ptr<MqueueFile>> queue_file(CurrentTask& task, Fd fd) {
  auto file = std::dynamic_pointer_cast<MqueueFile>(TRY(task.io_file(fd)));
  if (!file) return Errno(EBADF);
  return file;
}

Result<OptionalDeadline> read_deadline(CurrentTask& task, UserIn<struct timespec> from) {
  if (!from) return OptionalDeadline();
  const timespec time = TRY(task.read(from));
  if (!valid_timespec(time)) return Errno(EINVAL);
  return OptionalDeadline(Deadline{CLOCK_REALTIME, to_ns(time)});
}

// As long as `attempt` says EAGAIN, unless the descriptor does not wait.
template <typename Attempt>
auto wait_for(CurrentTask& task, MqueueFile& file, EventMask events, const OptionalDeadline& deadline, Attempt attempt)
    -> decltype(attempt()) {
  auto result = attempt();
  const auto again = [&] { return !result.ok() && result.error() == Errno(EAGAIN); };
  if (!again() || file.flags().nonblocking()) return result;
  TRY(task.wait(file.queue().changed(), events, deadline, [&] {
    result = attempt();
    return !again();
  }));
  return result;
}

void notify(CurrentTask& task, const MqueueNotification& wanted) {
  const std::shared_ptr<ThreadGroup> owner = wanted.owner.lock();
  if (!owner || wanted.notify != SIGEV_SIGNAL) return;
  auto tree = task.kernel().tasks().lock();
  SignalInfo info = user_signal(*tree, task.task(), *owner, wanted.signal, SI_MESGQ);
  info.set_value(wanted.value);
  (void)send_signal_to_group(*tree, *owner, info);
}

class WaitingReceiver {
 public:
  explicit WaitingReceiver(PosixQueue& queue) : queue_(queue) { queue_.add_receiver(1); }
  ~WaitingReceiver() { queue_.add_receiver(-1); }
  WaitingReceiver(const WaitingReceiver&) = delete;
  WaitingReceiver& operator=(const WaitingReceiver&) = delete;

 private:
  PosixQueue& queue_;
};

}  // namespace

Result<long> sys_mq_open(CurrentTask& task, UserString name_pointer, OpenFlags flags, Mode mode,
                         UserIn<struct mq_attr> attributes) {
  std::optional<MqueueLimits> limits;
  if (attributes) {
    const Attributes wanted = TRY(task.read(UserIn<Attributes>{{attributes.value}}));
    limits = MqueueLimits{wanted.max_messages, wanted.message_size};
  }
  const std::string name = TRY(read_name(task, name_pointer));
  if ((flags.bits & O_ACCMODE) == O_ACCMODE) return Errno(EINVAL);
  const auto queues = TRY(queues_of(task));
  const bool existed = queues->find(name).ok();
  const InodePtr inode = TRY(find_or_make(task, *queues, name, flags, mode, limits));
  const int may = (flags.readable() ? kMayRead : 0) | (flags.writable() ? kMayWrite : 0);
  // Who makes a queue gets it as asked for, whatever its permissions.
  if (existed) TRY(inode->check_permission(*task.credentials(), may));
  const DentryPtr root = Dentry::root_of(queues);
  DentryPtr dentry = TRY(root->child(name));
  const VfsPath path{std::make_shared<Mount>(0, queues, root, 0, "mqueue"), std::move(dentry)};
  FilePtr file = TRY(inode->open(path, OpenFlags{flags.bits & (O_ACCMODE | O_NONBLOCK)}));
  return raw(TRY(task.install(std::move(file), true)));
}

Result<long> sys_mq_unlink(CurrentTask& task, UserString name_pointer) {
  const std::string name = TRY(read_name(task, name_pointer));
  const auto queues = TRY(queues_of(task));
  const InodePtr inode = TRY(queues->find(name));
  const FileAttributes directory = TRY(queues->root()->attributes());
  if (sticky_forbids(*task.credentials(), directory, TRY(inode->attributes()))) return Errno(EPERM);
  TRY(queues->remove(name, *inode));
  return 0;
}

Result<long> sys_mq_timedsend(CurrentTask& task, Fd fd, UserIn<std::byte> from, std::size_t size, unsigned priority,
                              UserIn<struct timespec> timeout) {
  const OptionalDeadline deadline = TRY(read_deadline(task, timeout));
  if (priority >= kMqueuePriorities) return Errno(EINVAL);
  const auto file = TRY(queue_file(task, fd));
  if (!file->flags().writable()) return Errno(EBADF);
  if (size > static_cast<std::size_t>(file->queue().limits().max_size)) return Errno(EMSGSIZE);
  auto text = TRY(task.read_array(from, size));
  QueuedMessage message{priority, std::move(text)};
  const auto told = TRY(wait_for(task, *file, POLLOUT, deadline, [&] { return file->queue().send(message); }));
  if (told) notify(task, *told);
  return 0;
}

Result<long> sys_mq_timedreceive(CurrentTask& task, Fd fd, UserOut<std::byte> to, std::size_t size,
                                 UserOut<unsigned> priority, UserIn<struct timespec> timeout) {
  const OptionalDeadline deadline = TRY(read_deadline(task, timeout));
  const auto file = TRY(queue_file(task, fd));
  if (!file->flags().readable()) return Errno(EBADF);
  const WaitingReceiver waiting(file->queue());
  const QueuedMessage message =
      TRY(wait_for(task, *file, POLLIN, deadline, [&] { return file->queue().receive(size); }));
  if (priority) TRY(task.write(priority, message.priority));
  TRY(task.write_array(to, std::span<const std::byte>(message.bytes)));
  return static_cast<long>(message.bytes.size());
}

Result<long> sys_mq_notify(CurrentTask& task, Fd fd, UserIn<struct sigevent> event) {
  MqueueNotification wanted;
  if (event) {
    const SignalEvent given = TRY(task.read(UserIn<SignalEvent>{{event.value}}));
    if (given.notify == SIGEV_THREAD) return Errno(ENOSYS);
    if (given.notify != SIGEV_NONE && given.notify != SIGEV_SIGNAL) return Errno(EINVAL);
    if (given.notify == SIGEV_SIGNAL && !valid_signal(given.signal)) return Errno(EINVAL);
    wanted = {task.task().group(), given.notify, given.signal, given.value, task.group().pid()};
  }
  const auto file = TRY(queue_file(task, fd));
  if (event) {
    TRY(file->queue().set_notification(wanted));
  } else {
    file->queue().clear_notification(task.group());
  }
  return 0;
}

Result<long> sys_mq_getsetattr(CurrentTask& task, Fd fd, UserIn<struct mq_attr> wanted, UserOut<struct mq_attr> old) {
  Attributes change;
  if (wanted) change = TRY(task.read(UserIn<Attributes>{{wanted.value}}));
  if ((change.flags & ~std::int64_t{O_NONBLOCK}) != 0) return Errno(EINVAL);
  const auto file = TRY(queue_file(task, fd));
  Attributes present;
  present.flags = file->flags().bits & O_NONBLOCK;
  present.max_messages = file->queue().limits().max_messages;
  present.message_size = file->queue().limits().max_size;
  present.messages = static_cast<std::int64_t>(file->queue().count());
  if (wanted) TRY(file->set_flags((file->flags().bits & ~O_NONBLOCK) | static_cast<int>(change.flags)));
  if (old) TRY(task.write(UserOut<Attributes>{{old.value}}, present));
  return 0;
}

}  // namespace runsc
