#include "boot/fs/kept_attributes.h"

#include "boot/kernel/deadline.h"

namespace runsc {

void apply_change(FileAttributes& attributes, const AttributeChange& change) {
  const timespec now = to_timespec(now_ns(CLOCK_REALTIME));
  const auto chosen = [&](const AttributeChange::Time& time) { return time.now ? now : time.time; };
  if (change.mode) attributes.mode = attributes.type() | (*change.mode & 07777);
  if (change.uid) attributes.uid = *change.uid;
  if (change.gid) attributes.gid = *change.gid;
  if (change.access_time) attributes.access_time = chosen(*change.access_time);
  if (change.modify_time) attributes.modify_time = chosen(*change.modify_time);
  attributes.change_time = now;
}

}  // namespace runsc
