#include "sandbox/cgroup/oom_watch.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/cgroup_directory.h"
#include "sandbox/cgroup/cgroup_stats.h"
#include "sandbox/cgroup/container_cgroup.h"

namespace runsc {
namespace {

constexpr const char kControlV1[] = "memory.oom_control";
constexpr const char kEventsV2[] = "memory.events";

std::string memory_directory(const CgroupHost& host, const std::vector<std::string>& entries, bool unified) {
  for (const std::string& directory : cgroup_directories_of(entries)) {
    const Hierarchy* hierarchy = host.containing(directory);
    const bool counts_memory = hierarchy != nullptr && (unified ? hierarchy->unified : hierarchy->has("memory"));
    if (counts_memory && CgroupDirectory(directory).has(unified ? kEventsV2 : kControlV1)) return directory;
  }
  throw UserError("no OOM events: the container has no cgroup of the memory controller");
}

std::uint64_t kills_in(const std::string& directory, bool unified) {
  const auto values = parse_flat_keyed(CgroupDirectory(directory).read(unified ? kEventsV2 : kControlV1).value_or(""));
  return values.contains("oom_kill") ? values.at("oom_kill") : 0;
}

}  // namespace

OomWatch::OomWatch(const CgroupHost& host, const std::vector<std::string>& entries)
    : directory_(memory_directory(host, entries, host.mode == CgroupMode::kUnified)),
      unified_(host.mode == CgroupMode::kUnified) {
  if (unified_) {
    watch_v2();
  } else {
    watch_v1();
  }
  seen_kills_ = kills();
}

void OomWatch::watch_v1() {
  const std::string path = directory_ + "/" + kControlV1;
  const UniqueFd control(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!control) throw_system_error("open " + path);
  fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd_) throw_system_error("eventfd");
  CgroupDirectory(directory_)
      .write("cgroup.event_control", std::to_string(fd_.get()) + " " + std::to_string(control.get()));
}

void OomWatch::watch_v2() {
  fd_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd_) throw_system_error("inotify_init");
  // The second tells when the last process is gone; its removal comes as IN_IGNORED.
  for (const char* file : {kEventsV2, "cgroup.events"}) {
    const std::string path = directory_ + "/" + file;
    if (::inotify_add_watch(fd_.get(), path.c_str(), IN_MODIFY) < 0) throw_system_error("watch " + path);
  }
}

OomWatch::Event OomWatch::take() {
  std::array<char, 4096> buffer{};
  while (::read(fd_.get(), buffer.data(), buffer.size()) > 0) {
  }
  const CgroupDirectory directory(directory_);
  // The removal rings the eventfd too.
  if (!directory.has(unified_ ? kEventsV2 : kControlV1)) return Event::kGone;
  if (!unified_) return Event::kOom;
  const std::uint64_t now = kills();
  if (now == seen_kills_) return Event::kNothing;
  seen_kills_ = now;
  return Event::kOom;
}

std::uint64_t OomWatch::kills() const { return kills_in(directory_, unified_); }

std::uint64_t count_oom_kills(const CgroupHost& host, const std::vector<std::string>& entries) try {
  const bool unified = host.mode == CgroupMode::kUnified;
  return kills_in(memory_directory(host, entries, unified), unified);
} catch (const UserError&) {
  return 0;
}

}  // namespace runsc
