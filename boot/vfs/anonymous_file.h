// What fstat(2) says about objects that no path leads to: pipes, sockets, event descriptors.
#pragma once

#include <sys/sysmacros.h>

#include <cstdint>

#include "boot/kernel/deadline.h"
#include "boot/vfs/attributes.h"

namespace runsc {

// Unnamed devices (major 0) that such objects report as st_dev. Mounted file systems count up from minor 1.
enum class AnonymousDevice : std::uint32_t {
  kPipe = 0xfff00,
  kSocket = 0xfff01,
  kAnonInode = 0xfff02,
  kHost = 0xfff03
};

// Who made the object, and the inode number by which /proc/self/fd tells it from others.
struct AnonymousIdentity {
  std::uint64_t inode = 0;
  Uid uid{};
  Gid gid{};
};

// `mode` with its type bits; the times are now.
inline FileAttributes anonymous_attributes(const AnonymousIdentity& identity, AnonymousDevice device,
                                           std::uint32_t mode) {
  FileAttributes attributes;
  attributes.mode = mode;
  attributes.inode = identity.inode;
  attributes.device = makedev(0, static_cast<unsigned>(device));
  attributes.uid = identity.uid;
  attributes.gid = identity.gid;
  const timespec now = to_timespec(now_ns(CLOCK_REALTIME));
  attributes.access_time = attributes.modify_time = attributes.change_time = attributes.birth_time = now;
  return attributes;
}

}  // namespace runsc
