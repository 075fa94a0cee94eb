#include "boot/fs/gofer/gofer_inode.h"

#include <linux/fs.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "boot/fs/gofer/change_time.h"
#include "boot/fs/gofer/gofer_files.h"

namespace runsc {
namespace {

timespec to_time(const gofer::Timestamp& time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

gofer::Timestamp from_time(const timespec& time) { return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)}; }

}  // namespace

GoferInode::GoferInode(GoferFileSystem& file_system, gofer::RemoteNode node)
    : Inode(file_system),
      handle_(std::move(node.handle)),
      type_(node.attributes.type()),
      device_(makedev(node.attributes.device_major, node.attributes.device_minor)),
      inode_(node.attributes.inode),
      watch_(node.attributes.watch) {
  auto state = state_.lock();
  state->attributes = node.attributes;
  if (gofer().changes().add(watch_)) state->version = 0;
}

InodeCommonsPtr GoferInode::shared_commons() {
  return gofer().twins() != nullptr ? gofer().twins()->commons({device_, inode_, type_}) : nullptr;
}

GoferInode::~GoferInode() {
  gofer().changes().remove(watch_);
  gofer().forget(*this);
}

GoferFileSystem& GoferInode::gofer() const { return static_cast<GoferFileSystem&>(file_system()); }

const gofer::RemoteHandle& GoferInode::remote() const {
  return handle_.valid() ? handle_ : gofer().connection().root();
}

void GoferInode::invalidate() {
  auto state = state_.lock();
  state->valid = false;
  state->changes++;
}

void GoferInode::name_removed() {
  DonatedFilePtr open[3];  // closed outside the lock
  {
    auto state = state_.lock();
    open[0] = state->writable.lock();
    open[1] = state->readable.lock();
    open[2] = state->held.lock();
  }
  for (const DonatedFilePtr& file : open)
    if (file) gofer().drop_kept(file.get());
  invalidate();
}

bool GoferInode::same_file(const gofer::FileAttributes& attributes) const {
  return attributes.inode == inode_ && makedev(attributes.device_major, attributes.device_minor) == device_ &&
         attributes.type() == type_;
}

FileAttributes GoferInode::translate(const gofer::FileAttributes& from) const {
  FileAttributes to;
  to.mode = from.mode;
  to.inode = gofer().inode_number(from);
  to.device = gofer().device();
  to.links = from.link_count;
  to.uid = Uid{from.uid};
  to.gid = Gid{from.gid};
  to.rdev = makedev(from.rdev_major, from.rdev_minor);
  to.size = from.size;
  to.blocks = from.blocks;
  to.block_size = from.block_size;
  to.access_time = to_time(from.access);
  to.modify_time = to_time(from.modify);
  to.change_time = to_time(from.change);
  to.birth_time = to_time(from.birth);
  return to;
}

std::optional<struct stat> GoferInode::look(const State& state) {
  struct stat now {};
  for (const auto* each : {&state.writable, &state.readable, &state.held})
    if (const DonatedFilePtr open = each->lock(); open && ::fstat(open->descriptor.get(), &now) == 0) return now;
  return std::nullopt;
}

void GoferInode::refresh(gofer::FileAttributes& attributes, const struct stat& now) {
  attributes.mode = now.st_mode;
  attributes.link_count = static_cast<std::uint32_t>(now.st_nlink);
  attributes.size = static_cast<std::uint64_t>(now.st_size);
  attributes.blocks = static_cast<std::uint64_t>(now.st_blocks);
  attributes.access = from_time(now.st_atim);
  attributes.modify = from_time(now.st_mtim);
  attributes.change = from_time(now.st_ctim);
}

bool GoferInode::cached_are_true(State& state) {
  if (!state.valid) return false;
  if (!state.writable_given) return true;
  // Only descriptors that were opened for writing can have changed the file behind the cache.
  const auto now = look(state);
  if (now) refresh(state.attributes, *now);
  return now.has_value();
}

Result<FileAttributes> GoferInode::attributes() {
  if (!is_shared()) return exclusive_attributes();
  return S_ISDIR(type_) ? shared_directory_attributes() : shared_attributes();
}

Result<FileAttributes> GoferInode::exclusive_attributes() {
  std::uint64_t changes = 0;
  {
    auto state = state_.lock();
    if (cached_are_true(*state)) return translate(state->attributes);
    changes = state->changes;
    if (state->writable.expired()) state->writable_given = false;
  }
  const gofer::FileAttributes fresh = TRY(gofer().connection().get_attributes(remote()));
  auto state = state_.lock();
  if (state->changes == changes) {
    state->attributes = fresh;
    state->valid = true;
  }
  return translate(fresh);
}

// Without the owner, a descriptor is enough: a write is preceded by this, and moves the change time.
Result<std::uint32_t> GoferInode::mode() {
  if (is_shared() && !S_ISDIR(type_))
    if (const auto now = look(*state_.lock())) return static_cast<std::uint32_t>(now->st_mode);
  return TRY(attributes()).mode;
}

// Whatever others do to the file, the host shows it through every descriptor of it: all but the owner, for which the
// gofer is asked when the change time says that it may be another.
Result<FileAttributes> GoferInode::shared_attributes() {
  const timespec asked = file_clock();
  bool seen = false;
  {
    auto state = state_.lock();
    if (const auto now = look(*state)) {
      seen = true;
      if (state->settled && from_time(now->st_ctim) == state->attributes.change) {
        refresh(state->attributes, *now);
        return translate(state->attributes);
      }
    }
  }
  if (seen) {
    const gofer::FileAttributes fresh = TRY(gofer().connection().get_attributes(remote()));
    learn(fresh, asked);
    return translate(fresh);
  }
  gofer::OpenResult fresh = TRY(gofer().connection().hold(remote()));
  hold(std::move(fresh.descriptor));
  learn(fresh.attributes, asked);
  return translate(fresh.attributes);
}

void GoferInode::learn(const gofer::FileAttributes& fresh, const timespec& asked) {
  auto state = state_.lock();
  state->attributes = fresh;
  state->settled = is_settled(fresh.change, asked);
}

Result<FileAttributes> GoferInode::shared_directory_attributes() {
  const std::optional<std::uint64_t> version = gofer().changes().version(watch_);
  if (auto state = state_.lock(); version && state->valid && state->version == version)
    return translate(state->attributes);
  const gofer::FileAttributes fresh = TRY(gofer().connection().get_attributes(remote()));
  auto state = state_.lock();
  state->attributes = fresh;
  state->version = version;
  state->valid = true;
  return translate(fresh);
}

void GoferInode::hold(UniqueFd descriptor) {
  auto file = std::make_shared<const DonatedFile>(DonatedFile{std::move(descriptor), false});
  state_.lock()->held = file;
  gofer().keep_open(std::move(file));
}

Result<void> GoferInode::set_attributes(const AttributeChange& change) {
  gofer::AttributeChange wanted;
  if (change.mode) wanted.mode = *change.mode;
  if (change.uid) wanted.uid = raw(*change.uid);
  if (change.gid) wanted.gid = raw(*change.gid);
  if (change.size) wanted.size = *change.size;
  const auto time = [](const AttributeChange::Time& from) {
    gofer::TimeChange to;
    to.kind = from.now ? gofer::TimeChangeKind::kNow : gofer::TimeChangeKind::kSet;
    to.time = from_time(from.time);
    return to;
  };
  if (change.access_time) wanted.access = time(*change.access_time);
  if (change.modify_time) wanted.modify = time(*change.modify_time);
  const std::uint64_t changes = state_.lock()->changes;
  const Result<gofer::FileAttributes> changed = gofer().connection().set_attributes(remote(), wanted);
  auto state = state_.lock();
  state->valid = changed.ok() && state->changes == changes;
  state->changes++;
  if (!changed.ok()) return changed.error();
  state->attributes = *changed;
  state->settled = false;
  return {};
}

CachePolicy GoferInode::cache_policy() const {
  return gofer().caching() == GoferCaching::kExclusive ? CachePolicy::kStable : CachePolicy::kRevalidate;
}

bool GoferInode::revalidate_child(std::string_view name, const InodePtr& child) {
  HostChanges& changes = gofer().changes();
  if (changes.is_current(watch_, name)) return true;
  const std::optional<std::uint64_t> version = changes.version(watch_);
  const std::string_view names[] = {name};
  const Result<gofer::ProbeResult> found = gofer().connection().probe(remote(), names);
  if (!found.ok()) return false;
  const auto known = std::dynamic_pointer_cast<GoferInode>(child);
  const bool same = found->nodes.empty() ? found->error == ENOENT && child == nullptr
                                         : known && known->same_file(found->nodes.front());
  if (same) changes.confirm(watch_, name, version);
  return same;
}

InodePtr GoferInode::adopt(gofer::RemoteNode node) { return gofer().intern(std::move(node)); }

std::vector<InodePtr> GoferInode::adopt_walked(gofer::WalkResult found, const timespec& asked) {
  std::vector<InodePtr> inodes;
  inodes.reserve(found.nodes.size() + 1);
  for (gofer::RemoteNode& node : found.nodes) {
    const gofer::FileAttributes attributes = node.attributes;
    inodes.push_back(adopt(std::move(node)));
    if (is_shared() && !attributes.is_directory()) static_cast<GoferInode&>(*inodes.back()).learn(attributes, asked);
  }
  if (found.held.valid()) static_cast<GoferInode&>(*inodes.back()).hold(std::move(found.held));
  if (found.error == ENOENT) inodes.push_back(nullptr);
  return inodes;
}

Result<InodePtr> GoferInode::lookup(std::string_view name) {
  const timespec asked = file_clock();
  const std::optional<std::uint64_t> version = gofer().changes().version(watch_);
  const std::string_view names[] = {name};
  gofer::WalkResult found = TRY(gofer().connection().walk(remote(), names, is_shared()));
  if (found.error == 0 || found.error == ENOENT) gofer().changes().confirm(watch_, name, version);
  if (found.nodes.empty()) return Errno(found.error != 0 ? found.error : ENOENT);
  return adopt_walked(std::move(found), asked).front();
}

Result<std::vector<InodePtr>> GoferInode::lookup_path(std::span<const std::string_view> names) {
  const timespec asked = file_clock();
  const std::optional<std::uint64_t> version = gofer().changes().version(watch_);
  gofer::WalkResult found =
      TRY(gofer().connection().walk(remote(), names.first(std::min(names.size(), gofer::kMaxWalk)), is_shared()));
  if (!found.nodes.empty() || found.error == ENOENT) gofer().changes().confirm(watch_, names[0], version);
  if (found.nodes.empty()) return Errno(found.error != 0 ? found.error : ENOENT);
  return adopt_walked(std::move(found), asked);
}

gofer::NodeOwner GoferInode::owner_of(const NewFile& file) const { return {file.mode, raw(file.uid), raw(file.gid)}; }

Result<InodePtr> GoferInode::adopt_created(gofer::CreateResult created) {
  std::shared_ptr<GoferInode> inode = gofer().intern(std::move(created.node));
  inode->remember(*inode->state_.lock(), std::move(created.descriptor), true);
  return InodePtr(std::move(inode));
}

template <typename Make>
Result<InodePtr> GoferInode::adopt_made(std::string_view name, Make&& make) {
  HostChanges::OwnChange change(gofer().changes(), watch_, name, IN_CREATE);
  Result<gofer::RemoteNode> made = make();
  invalidate();
  if (!made.ok()) return made.error();
  change.done();
  return adopt(std::move(*made));
}

Result<InodePtr> GoferInode::create(std::string_view name, const NewFile& file) {
  HostChanges::OwnChange change(gofer().changes(), watch_, name, IN_CREATE);
  Result<gofer::CreateResult> created = gofer().connection().create(remote(), name, owner_of(file), O_RDWR);
  invalidate();
  if (!created.ok()) return created.error();
  change.done();
  return adopt_created(std::move(*created));
}

Result<InodePtr> GoferInode::make_unnamed(const NewFile& file) {
  return adopt_created(TRY(gofer().connection().create_unnamed(remote(), owner_of(file), O_RDWR)));
}

Result<InodePtr> GoferInode::make_directory(std::string_view name, const NewFile& file) {
  return adopt_made(name, [&] { return gofer().connection().make_directory(remote(), name, owner_of(file)); });
}

Result<InodePtr> GoferInode::make_node(std::string_view name, const NewFile& file, std::uint64_t) {
  return adopt_made(name, [&] { return gofer().connection().make_node(remote(), name, owner_of(file)); });
}

Result<InodePtr> GoferInode::make_symlink(std::string_view name, const NewFile& file, std::string_view target) {
  return adopt_made(
      name, [&] { return gofer().connection().make_symlink(remote(), name, target, raw(file.uid), raw(file.gid)); });
}

Result<void> GoferInode::make_link(std::string_view name, const InodePtr& target) {
  auto& other = static_cast<GoferInode&>(*target);
  HostChanges::OwnChange change(gofer().changes(), watch_, name, IN_CREATE);
  const auto linked = gofer().connection().link(other.remote(), remote(), name);
  invalidate();
  other.invalidate();
  if (!linked.ok()) return linked.error();
  change.done();
  return {};
}

Result<void> GoferInode::unlink(std::string_view name, const InodePtr& child) {
  const Result<void> removed = unlink_entry(name, false);
  static_cast<GoferInode&>(*child).name_removed();
  return removed;
}

Result<void> GoferInode::remove_directory(std::string_view name, const InodePtr& child) {
  const Result<void> removed = unlink_entry(name, true);
  static_cast<GoferInode&>(*child).invalidate();
  return removed;
}

Result<void> GoferInode::unlink_entry(std::string_view name, bool is_directory) {
  HostChanges::OwnChange change(gofer().changes(), watch_, name, IN_DELETE);
  const Result<void> removed = gofer().connection().unlink(remote(), name, is_directory);
  invalidate();
  if (removed.ok()) change.done();
  return removed;
}

Result<void> GoferInode::rename(std::string_view old_name, const InodePtr& child, const InodePtr& new_directory,
                                std::string_view new_name, const InodePtr& replaced, unsigned flags) {
  constexpr unsigned kServed = RENAME_NOREPLACE | RENAME_EXCHANGE;
  if ((flags & ~kServed) != 0) return Errno(EINVAL);
  auto& target = static_cast<GoferInode&>(*new_directory);
  HostChanges& changes = gofer().changes();
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  HostChanges::OwnChange own[] = {{changes, watch_, old_name, IN_MOVED_FROM},
                                  {changes, target.watch_, new_name, IN_MOVED_TO},
                                  {changes, exchange ? target.watch_ : 0, new_name, IN_MOVED_FROM},
                                  {changes, exchange ? watch_ : 0, old_name, IN_MOVED_TO}};
  const Result<void> renamed = gofer().connection().rename(remote(), old_name, target.remote(), new_name, flags);
  for (GoferInode* changed : {this, &target, static_cast<GoferInode*>(child.get())}) changed->invalidate();
  if (replaced) static_cast<GoferInode&>(*replaced).name_removed();
  if (renamed.ok())
    for (HostChanges::OwnChange& change : own) change.done();
  return renamed;
}

Result<std::string> GoferInode::read_link() {
  if (!S_ISLNK(type_)) return Errno(EINVAL);
  {
    auto state = state_.lock();
    if (!state->link_target.empty()) return state->link_target;
  }
  std::string target = TRY(gofer().connection().read_link(remote()));
  state_.lock()->link_target = target;
  return target;
}

DonatedFilePtr GoferInode::remember(State& state, UniqueFd descriptor, bool writable) {
  auto file = std::make_shared<const DonatedFile>(DonatedFile{std::move(descriptor), writable});
  (writable ? state.writable : state.readable) = file;
  state.writable_given |= writable;
  gofer().keep_open(file);
  return file;
}

Result<DonatedFilePtr> GoferInode::host_file(bool writable) {
  {
    auto state = state_.lock();
    if (DonatedFilePtr open = state->writable.lock()) return open;
    if (DonatedFilePtr open = writable ? nullptr : state->readable.lock()) return open;
  }
  gofer::OpenResult opened = TRY(gofer().connection().open(remote(), writable ? O_RDWR : O_RDONLY));
  auto state = state_.lock();
  return remember(*state, std::move(opened.descriptor), writable);
}

Result<FilePtr> GoferInode::open(const VfsPath& path, OpenFlags flags) {
  if (S_ISDIR(type_)) return FilePtr(std::make_shared<GoferDirectoryFile>(path, flags));
  if (!S_ISREG(type_)) return Errno(S_ISLNK(type_) ? ELOOP : ENXIO);
  auto self = std::static_pointer_cast<GoferInode>(shared_from_this());
  DonatedFilePtr host = TRY(host_file(flags.writable()));
  return FilePtr(std::make_shared<GoferRegularFile>(path, flags, std::move(self), std::move(host)));
}

Result<std::vector<std::byte>> GoferInode::get_xattr(std::string_view name) {
  const std::string value = TRY(gofer().connection().get_xattr(remote(), name));
  std::vector<std::byte> bytes(value.size());
  if (!value.empty()) std::memcpy(bytes.data(), value.data(), value.size());
  return bytes;
}

Result<void> GoferInode::set_xattr(std::string_view name, std::span<const std::byte> value, int flags) {
  const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
  const Result<void> set = gofer().connection().set_xattr(remote(), name, text, static_cast<unsigned>(flags));
  invalidate();
  return set;
}

Result<void> GoferInode::remove_xattr(std::string_view name) {
  const Result<void> removed = gofer().connection().remove_xattr(remote(), name);
  invalidate();
  return removed;
}

Result<std::vector<std::string>> GoferInode::list_xattrs() {
  const std::string all = TRY(gofer().connection().list_xattr(remote()));
  std::vector<std::string> names;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\0', at);
    names.emplace_back(all, at, end == std::string::npos ? end : end - at);
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return names;
}

}  // namespace runsc
