// What is known of an inode: the content of statx(2), and how its changes are told.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace runsc::gofer {

struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

struct FileAttributes {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint32_t mode = 0;    // with the type bits
  std::uint32_t link_count = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t block_size = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t rdev_major = 0;
  std::uint32_t rdev_minor = 0;
  Timestamp access;
  Timestamp modify;
  Timestamp change;
  Timestamp birth;
  bool has_birth = false;
  std::uint64_t flags = 0;  // STATX_ATTR_*
  std::int32_t watch = 0;   // of a directory: its watch (gofer.capnp); 0: none

  std::uint32_t type() const { return mode & S_IFMT; }
  bool is_directory() const { return S_ISDIR(mode); }
  bool is_regular() const { return S_ISREG(mode); }
  bool is_symlink() const { return S_ISLNK(mode); }

  friend bool operator==(const FileAttributes&, const FileAttributes&) = default;
};

}  // namespace runsc::gofer
