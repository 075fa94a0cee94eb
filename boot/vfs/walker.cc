#include "boot/vfs/walker.h"

#include <linux/openat2.h>

#include <array>

#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

constexpr unsigned long kNoSymlinkFollow = 256;  // MS_NOSYMFOLLOW

bool is_directory(const VfsPath& path) {
  return !path.dentry->negative() && S_ISDIR(path.dentry->inode_pointer()->type());
}

Walker::Last kind_of(std::string_view name) {
  if (name == ".") return Walker::Last::kDot;
  return name == ".." ? Walker::Last::kDotDot : Walker::Last::kName;
}

// names[0] and the plain names that follow it in `rest`, for one question to the file system.
constexpr std::size_t kMostNames = 16;
std::size_t upcoming_names(std::string_view first, std::string_view rest,
                           std::array<std::string_view, kMostNames>& names) {
  std::size_t count = 0;
  names[count++] = first;
  while (count < kMostNames) {
    const std::size_t begin = rest.find_first_not_of('/');
    if (begin == std::string_view::npos) break;
    const std::string_view name = rest.substr(begin, rest.find('/', begin) - begin);
    if (name == "." || name == ".." || name.size() > kNameMax) break;
    names[count++] = name;
    rest.remove_prefix(begin + name.size());
  }
  return count;
}

}  // namespace

Result<void> Walker::to_last(std::string_view path) {
  if (path.empty()) return Errno(ENOENT);
  root_ = resolve(RESOLVE_BENEATH | RESOLVE_IN_ROOT) ? from_.start : context_.root;
  at_ = from_.start;
  TRY(start_text(path));
  rest_ = path;
  return run();
}

Result<void> Walker::start_text(std::string_view text) {
  if (text[0] != '/') return {};
  if (resolve(RESOLVE_BENEATH)) return Errno(EXDEV);
  if (resolve(RESOLVE_NO_XDEV) && at_.mount != root_.mount) return Errno(EXDEV);
  at_ = root_;
  return {};
}

bool Walker::next(std::string_view& component) {
  const std::size_t begin = rest_.find_first_not_of('/');
  if (begin == std::string_view::npos) {
    // Only slashes: at_ itself, which must be a directory.
    last_ = {};
    last_kind_ = Last::kRoot;
    trailing_slash_ = true;
    rest_ = {};
    return false;
  }
  component = rest_.substr(begin, rest_.find('/', begin) - begin);
  rest_.remove_prefix(begin + component.size());
  if (rest_.find_first_not_of('/') != std::string_view::npos) return true;
  last_ = component;
  last_kind_ = kind_of(component);
  trailing_slash_ = !rest_.empty();
  rest_ = {};
  return false;
}

Result<void> Walker::run() {
  std::string_view component;
  while (next(component)) TRY(step(component));
  if (!is_directory(at_)) return Errno(ENOTDIR);
  return check_search();
}

Result<void> Walker::check_search() const {
  return at_.dentry->inode_pointer()->check_permission(*context_.credentials, kMayExec);
}

Result<void> Walker::step(std::string_view name) {
  if (!is_directory(at_)) return Errno(ENOTDIR);
  TRY(check_search());
  switch (kind_of(name)) {
    case Last::kDot:
      return {};
    case Last::kDotDot:
      return go_up();
    default:
      break;
  }
  VfsPath found = TRY(child(name));
  if (found.dentry->negative()) return Errno(ENOENT);
  if (S_ISLNK(found.dentry->inode_pointer()->type())) {
    TRY(follow(found));
    return {};
  }
  at_ = std::move(found);
  return {};
}

Result<DentryPtr> Walker::child_dentry(std::string_view name) {
  if (name.size() > kNameMax) return Errno(ENAMETOOLONG);
  if (DentryPtr cached = at_.dentry->find(name)) return cached;
  if (resolve(RESOLVE_CACHED)) return Errno(EAGAIN);
  std::array<std::string_view, kMostNames> names;
  const std::size_t count = upcoming_names(name, rest_, names);
  return at_.dentry->look_up(std::span(names).first(count));
}

Result<VfsPath> Walker::child(std::string_view name) {
  DentryPtr dentry = TRY(child_dentry(name));
  VfsPath found{at_.mount, std::move(dentry)};
  if (found.dentry->mounted_here.load(std::memory_order_acquire) == 0) return found;
  found = follow_mounts(std::move(found));
  if (resolve(RESOLVE_NO_XDEV) && found.mount != at_.mount) return Errno(EXDEV);
  return found;
}

Result<void> Walker::go_up() {
  for (;;) {
    if (at_ == root_) {
      if (resolve(RESOLVE_BENEATH)) return Errno(EXDEV);
      return {};
    }
    if (at_.dentry != at_.mount->root()) break;
    VfsPath place = at_.mount->mount_point();
    if (!place) return {};
    if (resolve(RESOLVE_NO_XDEV)) return Errno(EXDEV);
    at_ = std::move(place);
  }
  if (DentryPtr parent = at_.dentry->parent()) at_.dentry = std::move(parent);
  VfsPath top = follow_mounts(at_);
  if (resolve(RESOLVE_NO_XDEV) && top.mount != at_.mount) return Errno(EXDEV);
  at_ = std::move(top);
  return {};
}

Result<void> Walker::jump(VfsPath object) {
  if (resolve(RESOLVE_NO_MAGICLINKS)) return Errno(ELOOP);
  if (resolve(RESOLVE_BENEATH | RESOLVE_IN_ROOT)) return Errno(EXDEV);
  if (resolve(RESOLVE_NO_XDEV) && object.mount != at_.mount) return Errno(EXDEV);
  at_ = std::move(object);
  return {};
}

Result<bool> Walker::follow(const VfsPath& link) {
  if (++links_ > kMaxSymlinks || resolve(RESOLVE_NO_SYMLINKS)) return Errno(ELOOP);
  if ((link.mount->flags() & kNoSymlinkFollow) != 0) return Errno(ELOOP);
  Inode* const inode = link.dentry->inode_pointer();
  if (context_.task != nullptr) {
    if (VfsPath object = TRY(inode->follow_magic_link(*context_.task))) {
      TRY(jump(std::move(object)));
      return true;
    }
  }
  std::string text = TRY(context_.task != nullptr ? inode->read_link_for(*context_.task) : inode->read_link());
  if (text.empty()) return Errno(ENOENT);
  TRY(start_text(text));
  if (!rest_.empty()) {
    text += '/';
    text += rest_;
  }
  owned_ = std::move(text);
  rest_ = owned_;
  return false;
}

Result<VfsPath> Walker::peek_last() {
  switch (last_kind_) {
    case Last::kName:
      return child(last_);
    case Last::kDotDot:
      TRY(go_up());
      last_kind_ = Last::kDot;
      return at_;
    default:
      return at_;
  }
}

Result<bool> Walker::follow_last(const VfsPath& link) {
  rest_ = trailing_slash_ ? "/" : "";
  if (TRY(follow(link))) {
    rest_ = last_ = {};
    last_kind_ = Last::kDot;
    return true;
  }
  TRY(run());
  return false;
}

Result<VfsPath> Walker::to_end(std::string_view path, bool follow_last_link) {
  TRY(to_last(path));
  for (;;) {
    VfsPath found = TRY(peek_last());
    if (found.dentry->negative()) return Errno(ENOENT);
    if (S_ISLNK(found.dentry->inode_pointer()->type()) && (follow_last_link || trailing_slash_)) {
      if (!TRY(follow_last(found))) continue;
      found = at_;
    }
    if (trailing_slash_ && !is_directory(found)) return Errno(ENOTDIR);
    return found;
  }
}

}  // namespace runsc
