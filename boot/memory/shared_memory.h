// Shared anonymous memory: mmap(2) with MAP_SHARED | MAP_ANONYMOUS.
#pragma once

#include "boot/vfs/file_description.h"

namespace runsc {

// A nameless file of `length` bytes, page-aligned, as Linux makes one of its internal tmpfs. ENOMEM, EMFILE.
Result<FilePtr> make_shared_memory(std::uint64_t length);

}  // namespace runsc
