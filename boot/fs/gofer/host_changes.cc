#include "boot/fs/gofer/host_changes.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace runsc {
namespace {

constexpr std::size_t kMostExceptions = 4096;
constexpr std::size_t kMostUnclaimed = 4096;
// Below which a queue that never gets empty is not read on: the gofer could have sent anything as a queue.
constexpr int kMostReads = 256;
constexpr std::size_t kEventHeader = offsetof(inotify_event, name);

constexpr std::uint32_t kNameEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

}  // namespace

HostChanges::Directory* HostChanges::find(State& state, std::int32_t watch) {
  const auto found = state.directories.find(watch);
  return found == state.directories.end() ? nullptr : &found->second;
}

bool HostChanges::add(std::int32_t watch) {
  if (watch == 0) return false;
  settle();
  auto state = state_.lock();
  Directory& directory = state->directories[watch];
  if (directory.inodes++ == 0) directory.stale_by_default = state->unclaimed.erase(watch) != 0 || state->distrust;
  return !directory.stale_by_default && directory.version == 0;
}

void HostChanges::remove(std::int32_t watch) {
  if (watch == 0) return;
  auto state = state_.lock();
  const auto found = state->directories.find(watch);
  if (found != state->directories.end() && --found->second.inodes == 0) state->directories.erase(found);
}

void HostChanges::settle() {
  if (!queue_.valid()) return;
  int waiting = 0;
  // An empty queue proves nothing while another thread has events in its hands.
  if (::ioctl(queue_.get(), FIONREAD, &waiting) == 0 && waiting == 0 && !settling_.load()) return;
  auto state = state_.lock();
  settling_.store(true);
  alignas(inotify_event) std::array<std::byte, 4096> buffer;
  int reads = 0;
  for (; reads < kMostReads; ++reads) {
    const ssize_t count = ::read(queue_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    take_events(*state, std::span(buffer).first(static_cast<std::size_t>(count)));
  }
  if (reads == kMostReads) lose_everything(*state);
  settling_.store(false);
}

void HostChanges::take_events(State& state, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    inotify_event event{};
    if (bytes.size() < kEventHeader) return lose_everything(state);
    std::memcpy(&event, bytes.data(), kEventHeader);
    bytes = bytes.subspan(kEventHeader);
    if (event.len > bytes.size()) return lose_everything(state);
    const char* name = reinterpret_cast<const char*>(bytes.data());
    take_event(state, event, {name, ::strnlen(name, event.len)});
    bytes = bytes.subspan(event.len);
  }
}

void HostChanges::take_event(State& state, const inotify_event& event, std::string_view name) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return lose_everything(state);
  if ((event.mask & IN_IGNORED) != 0) {
    state.directories.erase(event.wd);
    state.unclaimed.erase(event.wd);
    return;
  }
  Directory* directory = find(state, event.wd);
  if (directory == nullptr) {
    state.unclaimed.insert(event.wd);
    if (state.unclaimed.size() <= kMostUnclaimed) return;
    state.unclaimed.clear();
    state.distrust = true;
    return;
  }
  // Attributes of an entry: those are looked at through the entry itself.
  if (!name.empty() && (event.mask & kNameEvents) == 0) return;
  ++directory->version;
  if (name.empty()) return;
  const auto own = std::find_if(directory->expected.begin(), directory->expected.end(), [&](const Expected& each) {
    return (event.mask & each.event) != 0 && each.name == name;
  });
  if (own == directory->expected.end()) return mark_stale(*directory, name);
  directory->expected.erase(own);
}

// Everything that is known may be wrong, also of directories whose inodes are still to come.
void HostChanges::lose_everything(State& state) {
  state.distrust = true;
  for (auto& [watch, directory] : state.directories) {
    ++directory.version;
    directory.stale_by_default = true;
    directory.exceptions.clear();
  }
}

void HostChanges::mark_stale(Directory& directory, std::string_view name) {
  if (directory.stale_by_default) {
    if (const auto found = directory.exceptions.find(name); found != directory.exceptions.end())
      directory.exceptions.erase(found);
    return;
  }
  directory.exceptions.emplace(name);
  if (directory.exceptions.size() <= kMostExceptions) return;
  directory.stale_by_default = true;
  directory.exceptions.clear();
}

std::optional<std::uint64_t> HostChanges::version(std::int32_t watch) {
  if (watch == 0) return std::nullopt;
  settle();
  auto state = state_.lock();
  const Directory* const directory = find(*state, watch);
  return directory == nullptr ? std::nullopt : std::optional(directory->version);
}

bool HostChanges::is_current(std::int32_t watch, std::string_view name) {
  if (watch == 0) return false;
  settle();
  auto state = state_.lock();
  const Directory* const directory = find(*state, watch);
  return directory != nullptr && directory->exceptions.contains(name) == directory->stale_by_default;
}

void HostChanges::confirm(std::int32_t watch, std::string_view name, std::optional<std::uint64_t> version) {
  if (watch == 0 || !version) return;
  auto state = state_.lock();
  Directory* const directory = find(*state, watch);
  if (directory == nullptr || directory->version != *version) return;
  if (!directory->stale_by_default) {
    if (const auto found = directory->exceptions.find(name); found != directory->exceptions.end())
      directory->exceptions.erase(found);
    return;
  }
  if (directory->exceptions.size() >= kMostExceptions) directory->exceptions.clear();
  directory->exceptions.emplace(name);
}

HostChanges::OwnChange::OwnChange(HostChanges& changes, std::int32_t watch, std::string_view name, std::uint32_t event)
    : changes_(changes), watch_(watch), name_(name), event_(event) {
  // What others did before is not taken for ours.
  changes_.settle();
  auto state = changes_.state_.lock();
  if (Directory* const directory = find(*state, watch_)) directory->expected.push_back({name_, event_});
}

HostChanges::OwnChange::~OwnChange() {
  changes_.settle();
  auto state = changes_.state_.lock();
  Directory* const directory = find(*state, watch_);
  if (directory == nullptr) return;
  const auto left = std::find_if(directory->expected.begin(), directory->expected.end(),
                                 [&](const Expected& each) { return each.event == event_ && each.name == name_; });
  if (left != directory->expected.end()) directory->expected.erase(left);
  if (!done_) mark_stale(*directory, name_);
}

}  // namespace runsc
