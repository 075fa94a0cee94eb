#include "boot/fs/anon/inotify_watch.h"

namespace runsc {

void InotifyWatch::notify(std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  constexpr std::uint32_t kLast = IN_DELETE_SELF | IN_UNMOUNT;
  const std::uint32_t wanted = mask_.load();
  const bool last = (mask & kLast) != 0;
  const bool tell = (wanted & mask & IN_ALL_EVENTS) != 0 || (mask & IN_UNMOUNT) != 0;
  if (!tell && !last) return;
  // Of several threads one brings the last event.
  if ((last || (wanted & IN_ONESHOT) != 0) && ended_.exchange(true)) return;
  if (!last && (wanted & IN_ONESHOT) == 0 && ended_.load()) return;
  const auto instance = instance_.lock();
  if (instance == nullptr) return;
  if (tell) instance->queue_event(descriptor_, mask, cookie, name);
  if (last || (wanted & IN_ONESHOT) != 0) instance->forget_watch(descriptor_);
}

}  // namespace runsc
