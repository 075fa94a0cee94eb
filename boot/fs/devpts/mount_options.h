// The options of a devpts mount (mount(8), "devpts").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boot/abi/ids.h"
#include "boot/base/result.h"

namespace runsc {

struct DevptsOptions {
  // As Linux's NR_UNIX98_PTY_MAX.
  static constexpr std::uint32_t kMaxIndices = 1 << 20;

  std::optional<Uid> uid;  // of new slaves; absent: who opens the master
  std::optional<Gid> gid;
  std::uint32_t mode = 0600;  // of new slaves
  std::uint32_t ptmx_mode = 0;
  std::uint32_t max = kMaxIndices;

  // Changes what `text` ("ptmxmode=0666,mode=0620,gid=5") names. EINVAL: unknown or malformed. "newinstance" is
  // accepted and says nothing: every mount is an instance of its own.
  Result<void> parse(std::string_view text);
  // As /proc/mounts shows them.
  std::string show() const;
};

}  // namespace runsc
