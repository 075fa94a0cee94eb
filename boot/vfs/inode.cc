#include "boot/vfs/inode.h"

#include "boot/vfs/file_description.h"
#include "boot/vfs/file_leases.h"
#include "boot/vfs/file_locks.h"
#include "boot/vfs/inode_twins.h"
#include "boot/vfs/inode_watches.h"
#include "boot/vfs/permissions.h"

namespace runsc {

struct Inode::Extras {
  std::atomic<InodeWatches*> watches{nullptr};
  std::atomic<FileLeases*> leases{nullptr};
  const InodeCommonsPtr commons;

  explicit Extras(InodeCommonsPtr shared) : commons(shared ? std::move(shared) : std::make_shared<InodeCommons>()) {}
  ~Extras() {
    delete watches.load();
    delete leases.load();
  }
};

namespace {

// The object that `slot` holds; the first caller makes it.
template <typename T, typename... Args>
T& make_once(std::atomic<T*>& slot, Args&&... args) {
  if (T* existing = slot.load(std::memory_order_acquire)) return *existing;
  T* const fresh = new T(std::forward<Args>(args)...);
  T* expected = nullptr;
  if (slot.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *expected;
}

}  // namespace

Inode::Inode(FileSystem& file_system) : file_system_(file_system) {}

Inode::~Inode() { delete extras_.load(); }

Inode::Extras& Inode::extras() {
  if (Extras* existing = extras_.load(std::memory_order_acquire)) return *existing;
  return make_once(extras_, shared_commons());
}

InodeCommonsPtr Inode::shared_commons() { return nullptr; }

Result<void> Inode::set_attributes(const AttributeChange&) { return Errno(EPERM); }

Result<void> Inode::check_permission(const Credentials& credentials, int may) {
  const FileAttributes file = TRY(attributes());
  return check_mode(credentials, file, may);
}

Result<std::uint32_t> Inode::mode() { return TRY(attributes()).mode; }

bool Inode::revalidate_child(std::string_view, const InodePtr&) { return true; }

Result<InodePtr> Inode::lookup(std::string_view) { return Errno(S_ISDIR(type()) ? ENOENT : ENOTDIR); }

Result<std::vector<InodePtr>> Inode::lookup_path(std::span<const std::string_view> names) {
  std::vector<InodePtr> found{TRY(lookup(names[0]))};
  while (found.size() < names.size()) {
    Inode& last = *found.back();
    // Directories that are asked each time are asked when it is their turn.
    if (!S_ISDIR(last.type()) || last.cache_policy() == CachePolicy::kNever) break;
    auto next = last.lookup(names[found.size()]);
    if (!next.ok() && next.error() != Errno(ENOENT)) break;
    found.push_back(next.ok() ? std::move(*next) : nullptr);
    if (!next.ok()) break;
  }
  return found;
}

Result<InodePtr> Inode::create(std::string_view, const NewFile&) { return Errno(EACCES); }
Result<InodePtr> Inode::make_directory(std::string_view, const NewFile&) { return Errno(EPERM); }
Result<InodePtr> Inode::make_node(std::string_view, const NewFile&, std::uint64_t) { return Errno(EPERM); }
Result<InodePtr> Inode::make_symlink(std::string_view, const NewFile&, std::string_view) { return Errno(EPERM); }
Result<void> Inode::make_link(std::string_view, const InodePtr&) { return Errno(EPERM); }
Result<InodePtr> Inode::make_unnamed(const NewFile&) { return Errno(EOPNOTSUPP); }
Result<void> Inode::unlink(std::string_view, const InodePtr&) { return Errno(EPERM); }
Result<void> Inode::remove_directory(std::string_view, const InodePtr&) { return Errno(EPERM); }
Result<void> Inode::rename(std::string_view, const InodePtr&, const InodePtr&, std::string_view, const InodePtr&,
                           unsigned) {
  return Errno(EPERM);
}

Result<std::string> Inode::read_link() { return Errno(EINVAL); }
Result<std::string> Inode::read_link_for(CurrentTask&) { return read_link(); }
Result<VfsPath> Inode::follow_magic_link(CurrentTask&) { return VfsPath(); }

Result<FilePtr> Inode::open(const VfsPath&, OpenFlags) { return Errno(S_ISLNK(type()) ? ELOOP : ENXIO); }

Result<std::vector<std::byte>> Inode::get_xattr(std::string_view) { return Errno(EOPNOTSUPP); }
Result<void> Inode::set_xattr(std::string_view, std::span<const std::byte>, int) { return Errno(EOPNOTSUPP); }
Result<void> Inode::remove_xattr(std::string_view) { return Errno(EOPNOTSUPP); }
Result<std::vector<std::string>> Inode::list_xattrs() { return std::vector<std::string>(); }

FileLocks& Inode::locks() { return make_once(extras().commons->locks); }

bool Inode::has_locks() const {
  const Extras* extras = extras_.load(std::memory_order_acquire);
  return extras != nullptr && extras->commons->locks.load(std::memory_order_acquire) != nullptr;
}

FileLeases& Inode::leases() { return make_once(extras().leases); }

bool Inode::has_leases() const {
  const Extras* extras = extras_.load(std::memory_order_acquire);
  const FileLeases* leases = extras != nullptr ? extras->leases.load(std::memory_order_acquire) : nullptr;
  return leases != nullptr && !leases->empty();
}

InodeWatches& Inode::watches() { return make_once(extras().watches, file_system_); }

bool Inode::has_watches() const {
  const Extras* extras = extras_.load(std::memory_order_acquire);
  const InodeWatches* watches = extras != nullptr ? extras->watches.load(std::memory_order_acquire) : nullptr;
  return watches != nullptr && !watches->empty();
}

std::shared_ptr<void> Inode::attachment() { return *extras().commons->attachment.lock(); }

std::shared_ptr<void> Inode::attach_once(std::shared_ptr<void> object) {
  auto attachment = extras().commons->attachment.lock();
  if (!*attachment) *attachment = std::move(object);
  return *attachment;
}

void Inode::detach(const std::shared_ptr<void>& object) {
  std::shared_ptr<void> dropped;  // ends after the lock is released
  auto attachment = extras().commons->attachment.lock();
  if (*attachment == object) dropped.swap(*attachment);
  attachment.unlock();
}

}  // namespace runsc
