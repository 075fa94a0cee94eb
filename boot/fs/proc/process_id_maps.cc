// uid_map, gid_map, setgroups (user_namespaces(7)).
#include <algorithm>
#include <charconv>

#include "boot/fs/proc/process_texts.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

constexpr std::size_t kMostExtents = 340;
constexpr std::size_t kLongestMap = 4096;
constexpr std::uint32_t kAll = 0xffffffff;

// What tells the maps of users and groups apart.
struct Kind {
  IdMap UserNamespace::Maps::*map;
  int capability;
};
constexpr Kind kUsers{&UserNamespace::Maps::uids, CAP_SETUID};
constexpr Kind kGroups{&UserNamespace::Maps::gids, CAP_SETGID};

CredentialsPtr credentials_of_reader() {
  Task* reader = task_of_this_thread();
  const CredentialsPtr credentials = reader != nullptr ? reader->credentials() : nullptr;
  return credentials ? credentials : root_credentials();
}

Result<UserNamespacePtr> namespace_of(const ProcessView& view) {
  const CredentialsPtr credentials = view.task->credentials();
  if (!credentials) return Errno(ESRCH);
  return credentials->user_namespace;
}

// A map of the outermost namespace is that of the sandbox: everything means itself.
std::uint32_t shown_id(const UserNamespacePtr& viewer, std::uint32_t id, const Kind& kind) {
  if (!viewer) return id;
  auto maps = viewer->maps().lock();
  return ((*maps).*kind.map).from_global(id).value_or(kAll);
}

Result<std::string> show_map(const ProcessView& view, const Kind& kind) {
  const UserNamespacePtr names = TRY(namespace_of(view));
  std::vector<IdExtent> extents{{0, 0, kAll}};
  if (names) {
    auto maps = names->maps().lock();
    extents = ((*maps).*kind.map).extents();
  }
  // Who is inside sees what its own ids are in the parent.
  UserNamespacePtr viewer = user_namespace_of_reader();
  if (viewer == names && viewer) viewer = viewer->parent();
  std::string out;
  for (const IdExtent& each : extents)
    append_format(out, "%10u %10u %10u\n", each.inside, shown_id(viewer, each.global, kind), each.count);
  return out;
}

Result<std::uint32_t> take_number(std::string_view& line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc()) return Errno(EINVAL);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.empty() && line.front() != ' ' && line.front() != '\t') return Errno(EINVAL);
  return value;
}

bool overlap(std::uint32_t a, std::uint32_t b, std::uint32_t a_count, std::uint32_t b_count) {
  return std::uint64_t{a} < std::uint64_t{b} + b_count && std::uint64_t{b} < std::uint64_t{a} + a_count;
}

Result<IdExtent> parse_line(std::string_view line) {
  IdExtent extent;
  extent.inside = TRY(take_number(line));
  extent.global = TRY(take_number(line));  // of the parent so far
  extent.count = TRY(take_number(line));
  if (line.find_first_not_of(" \t") != std::string_view::npos || extent.count == 0) return Errno(EINVAL);
  for (const std::uint32_t first : {extent.inside, extent.global})
    if (first == kAll || std::uint64_t{first} + extent.count > kAll) return Errno(EINVAL);
  return extent;
}

Result<std::vector<IdExtent>> parse_map(std::string_view text) {
  std::vector<IdExtent> extents;
  if (text.size() >= kLongestMap) return Errno(EINVAL);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const IdExtent extent = TRY(parse_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    for (const IdExtent& other : extents)
      if (overlap(extent.inside, other.inside, extent.count, other.count) ||
          overlap(extent.global, other.global, extent.count, other.count))
        return Errno(EINVAL);
    if (extents.size() == kMostExtents) return Errno(EINVAL);
    extents.push_back(extent);
  }
  if (extents.empty()) return Errno(EINVAL);
  return extents;
}

// Ids of the parent become those of the sandbox. EPERM: the parent does not map them all.
Result<void> globalize(const UserNamespacePtr& parent, std::vector<IdExtent>& extents, const Kind& kind) {
  if (!parent) return {};
  auto maps = parent->maps().lock();
  const IdMap& map = (*maps).*kind.map;
  for (IdExtent& each : extents) {
    const auto first = map.to_global(each.global);
    const auto last = map.to_global(each.global + (each.count - 1));
    if (!first || !last || *last - *first != each.count - 1) return Errno(EPERM);
    each.global = *first;
  }
  return {};
}

// user_namespaces(7), "Defining user and group ID mappings": everybody may map the own id alone; whoever may take on
// any id in the parent, may map any.
bool may_map(const Credentials& writer, UserNamespace& names, const std::vector<IdExtent>& extents, const Kind& kind) {
  const bool for_users = kind.map == kUsers.map;
  if (extents.size() == 1 && extents[0].count == 1 && writer.effective_uid == names.owner()) {
    if (for_users && Uid{extents[0].global} == writer.effective_uid) return true;
    if (!for_users && Gid{extents[0].global} == writer.effective_gid && !names.setgroups_allowed()) return true;
  }
  const bool maps_root = std::any_of(extents.begin(), extents.end(), [](const auto& each) { return each.global == 0; });
  if (for_users && maps_root && !writer.has_in(names.parent(), CAP_SETFCAP)) return false;
  return writer.has_in(names.parent(), kind.capability);
}

Result<void> store_map(const ProcessView& view, std::string_view text, const Kind& kind) {
  const UserNamespacePtr names = TRY(namespace_of(view));
  const CredentialsPtr writer = credentials_of_reader();
  if (!names) return Errno(EPERM);
  if (writer->user_namespace != names && writer->user_namespace != names->parent()) return Errno(EPERM);
  if (!((*names->maps().lock()).*kind.map).extents().empty()) return Errno(EPERM);
  if (!writer->has_in(names, CAP_SYS_ADMIN)) return Errno(EPERM);
  std::vector<IdExtent> extents = TRY(parse_map(text));
  TRY(globalize(names->parent(), extents, kind));
  if (!may_map(*writer, *names, extents, kind)) return Errno(EPERM);
  auto maps = names->maps().lock();
  IdMap& map = (*maps).*kind.map;
  if (!map.extents().empty()) return Errno(EPERM);
  map.set(std::move(extents));
  return {};
}

}  // namespace

UserNamespacePtr user_namespace_of_reader() { return credentials_of_reader()->user_namespace; }

Result<std::string> show_uid_map(const ProcessView& view) { return show_map(view, kUsers); }
Result<void> store_uid_map(const ProcessView& view, std::string_view text) { return store_map(view, text, kUsers); }
Result<std::string> show_gid_map(const ProcessView& view) { return show_map(view, kGroups); }
Result<void> store_gid_map(const ProcessView& view, std::string_view text) { return store_map(view, text, kGroups); }

// No file system has projects.
Result<std::string> show_projid_map(const ProcessView& view) {
  if (TRY(namespace_of(view))) return std::string();
  return std::string("         0          0 4294967295\n");
}

Result<std::string> show_setgroups(const ProcessView& view) {
  const UserNamespacePtr names = TRY(namespace_of(view));
  return std::string(setgroups_allowed(names) ? "allow\n" : "deny\n");
}

Result<void> store_setgroups(const ProcessView& view, std::string_view text) {
  const UserNamespacePtr names = TRY(namespace_of(view));
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text != "allow" && text != "deny") return Errno(EINVAL);
  const CredentialsPtr writer = credentials_of_reader();
  if (!writer->has_in(names, CAP_SYS_ADMIN)) return Errno(EACCES);
  if (!names) return text == "allow" ? Result<void>() : Result<void>(Errno(EPERM));
  auto maps = names->maps().lock();
  if (text == "allow") return maps->may_set_groups ? Result<void>() : Result<void>(Errno(EPERM));
  if (!maps->gids.extents().empty()) return Errno(EPERM);
  maps->may_set_groups = false;
  return {};
}

}  // namespace runsc
