// What stat(2) says about a file, and changes of it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <optional>

#include "boot/abi/ids.h"

namespace runsc {

struct FileAttributes {
  std::uint32_t mode = 0;  // type and permissions, as st_mode
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // st_dev as makedev(3) builds it
  std::uint32_t links = 1;
  Uid uid{};
  Gid gid{};
  std::uint64_t rdev = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint32_t block_size = 4096;
  timespec access_time{}, modify_time{}, change_time{}, birth_time{};

  std::uint32_t type() const { return mode & S_IFMT; }
  bool is_directory() const { return S_ISDIR(mode); }
  bool is_regular() const { return S_ISREG(mode); }
  bool is_symlink() const { return S_ISLNK(mode); }
};

// The fields that chmod, chown, truncate and utimensat change. Permission was checked by the caller.
struct AttributeChange {
  std::optional<std::uint32_t> mode;  // permissions and suid, sgid, sticky
  std::optional<Uid> uid;
  std::optional<Gid> gid;
  std::optional<std::uint64_t> size;
  struct Time {
    bool now = false;
    timespec time{};
  };
  std::optional<Time> access_time, modify_time;
};

}  // namespace runsc
