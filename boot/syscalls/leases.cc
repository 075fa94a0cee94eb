#include "boot/syscalls/leases.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "boot/syscalls/owner_teller.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/file_leases.h"
#include "boot/vfs/inode_watches.h"

namespace runsc {
namespace {

// As F_SETOWN with the caller's process, unless somebody was named before.
void own_if_nobody_does(CurrentTask& task, FileDescription& file) {
  FileDescription::AsyncOwner owner = file.async_owner();
  if (owner.id != 0) return;
  owner.type = F_OWNER_PID;
  owner.id = raw(task.group().pid());
  owner.uid = task.credentials()->real_uid;
  owner.effective_uid = task.credentials()->effective_uid;
  file.set_async_owner(owner);
}

Result<InodePtr> leasable(CurrentTask& task, FileDescription& file) {
  const InodePtr inode = file.path() ? file.path().dentry->inode() : nullptr;
  if (inode == nullptr || !S_ISREG(inode->type())) return Errno(EINVAL);
  if (TRY(inode->attributes()).uid != task.credentials()->fs_uid && !task.capable(CAP_LEASE)) return Errno(EACCES);
  return inode;
}

// One F_NOTIFY of one open directory; it lies among the watches of the inode, which outlives it there.
class DirectoryNotification : public InodeWatch {
 public:
  DirectoryNotification(OwnerTeller teller, const FilePtr& file, std::uint32_t events)
      : teller_(std::move(teller)), owner_(file.get()), file_(file), events_(events) {}

  const void* owner() const override { return owner_; }
  void notify(std::uint32_t mask, std::uint32_t, std::string_view name) override {
    std::uint32_t events = events_.load();
    if (name.empty() || (dnotify_event(mask) & events) == 0 || file_.expired()) return;
    // Without DN_MULTISHOT the first event is the last.
    if ((events & DN_MULTISHOT) == 0 && !events_.compare_exchange_strong(events, 0)) return;
    teller_.tell(POLL_MSG, POLLIN | POLLRDNORM | POLLMSG);
  }

 private:
  static std::uint32_t dnotify_event(std::uint32_t mask) {
    std::uint32_t events = 0;
    const auto translate = [&](std::uint32_t from, std::uint32_t to) { events |= (mask & from) != 0 ? to : 0; };
    translate(IN_ACCESS, DN_ACCESS);
    translate(IN_MODIFY, DN_MODIFY);
    translate(IN_CREATE | IN_MOVED_TO, DN_CREATE);
    translate(IN_DELETE | IN_MOVED_FROM, DN_DELETE);
    translate(IN_ATTRIB, DN_ATTRIB);
    if ((mask & IN_MOVED_FROM) != 0) events |= DN_RENAME;
    return events;
  }

  const OwnerTeller teller_;
  const void* const owner_;
  const std::weak_ptr<FileDescription> file_;
  std::atomic<std::uint32_t> events_;
};

}  // namespace

Result<long> set_lease(CurrentTask& task, Fd fd, const FilePtr& file, std::uint64_t argument) {
  const int type = static_cast<int>(argument);
  const InodePtr inode = TRY(leasable(task, *file));
  if (type == F_UNLCK) {
    if (!inode->leases().remove(*file)) return Errno(EAGAIN);
    return 0;
  }
  if (type != F_RDLCK && type != F_WRLCK) return Errno(EINVAL);
  file->set_has_notices();
  const auto tell = [teller = OwnerTeller(task, fd, file)] { teller.tell(POLL_MSG, POLLIN | POLLRDNORM | POLLMSG); };
  TRY(inode->leases().set(*file, *inode, type, tell));
  own_if_nobody_does(task, *file);
  return 0;
}

long get_lease(FileDescription& file) {
  const InodePtr inode = file.path() ? file.path().dentry->inode() : nullptr;
  return inode != nullptr && inode->has_leases() ? inode->leases().type(file) : F_UNLCK;
}

Result<long> set_directory_notification(CurrentTask& task, Fd fd, const FilePtr& file, std::uint64_t argument) {
  const InodePtr inode = file->path() ? file->path().dentry->inode() : nullptr;
  if (inode == nullptr || !S_ISDIR(inode->type())) return Errno(ENOTDIR);
  constexpr std::uint32_t kEvents = DN_ACCESS | DN_MODIFY | DN_CREATE | DN_DELETE | DN_RENAME | DN_ATTRIB;
  const auto events = static_cast<std::uint32_t>(argument);
  if (const InodeWatchPtr old = inode->watches().find(file.get())) inode->watches().remove(*old);
  if ((events & kEvents) == 0) return 0;
  file->set_has_notices();
  inode->watches().add(std::make_shared<DirectoryNotification>(OwnerTeller(task, fd, file), file, events));
  own_if_nobody_does(task, *file);
  return 0;
}

}  // namespace runsc
