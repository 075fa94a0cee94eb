// The walk itself: one Walker resolves one path. Internal to boot/vfs; others use path_walk.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boot/vfs/path_walk.h"

namespace runsc {

// Resolves component by component. After to_last(), at() is the directory of the last component and last() is its name,
// which may then be stepped into, or followed further if it turns out to be a symlink.
class Walker {
 public:
  Walker(const WalkContext& context, const WalkFrom& from) : context_(context), from_(from) {}

  // Everything but the last component.
  Result<void> to_last(std::string_view path);

  enum class Last { kName, kDot, kDotDot, kRoot };
  Last last_kind() const { return last_kind_; }
  std::string_view last() const { return last_; }
  bool trailing_slash() const { return trailing_slash_; }
  const VfsPath& at() const { return at_; }

  // The last component's dentry without following a symlink, with mounts on it; maybe negative. "." and ".." and the
  // root: what they name. RESOLVE_* are observed.
  Result<VfsPath> peek_last();
  // Follows the symlink `link`, which peek_last() or an operation found as the last component, as far as the last
  // component of its target. True: a magic link led to an object, which at() now is, and last_kind() is kDot.
  Result<bool> follow_last(const VfsPath& link);

  // All of it.
  Result<VfsPath> to_end(std::string_view path, bool follow_last);

 private:
  // Walks rest_ up to its last component.
  Result<void> run();
  // Takes the next component off rest_. False: it is the last one, and stays in last_.
  bool next(std::string_view& component);
  Result<void> start_text(std::string_view text);  // at the root, if the text is absolute
  Result<void> go_up();
  Result<void> step(std::string_view name);
  Result<VfsPath> child(std::string_view name);
  Result<DentryPtr> child_dentry(std::string_view name);
  // Puts a symlink's target in front of rest_. True: a magic link, and at_ is its object.
  Result<bool> follow(const VfsPath& link);
  Result<void> jump(VfsPath object);
  Result<void> check_search() const;
  bool resolve(std::uint64_t flags) const { return (from_.resolve & flags) != 0; }

  const WalkContext& context_;
  const WalkFrom from_;
  VfsPath root_, at_;
  std::string owned_;      // what rest_ and last_ point into, once a symlink was followed
  std::string_view rest_;  // not yet walked
  std::string_view last_;
  Last last_kind_ = Last::kDot;
  bool trailing_slash_ = false;
  int links_ = 0;
};

}  // namespace runsc
