#include "boot/memory/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "boot/base/host_call.h"
#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

class SharedMemory : public FileDescription {
 public:
  explicit SharedMemory(UniqueFd memory) : FileDescription({}, {O_RDWR}), memory_(std::move(memory)) {}

  std::string anonymous_name() const override { return "/dev/zero (deleted)"; }
  // A range beyond the end raises SIGBUS, as on Linux: mremap(2) does not make the file longer.
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool) override {
    return FileMapping{{{memory_.get(), offset, length}}};
  }
  // madvise(2) MADV_REMOVE.
  Result<void> allocate(int mode, std::uint64_t offset, std::uint64_t length) override {
    const auto start = static_cast<off_t>(offset), count = static_cast<off_t>(length);
    if (fallocate(memory_.get(), mode, start, count) != 0) return last_errno();
    return {};
  }

 private:
  UniqueFd memory_;
};

}  // namespace

Result<FilePtr> make_shared_memory(std::uint64_t length) {
  UniqueFd memory = TRY(own_fd(memfd_create("shared", MFD_CLOEXEC)));
  // A length that no file can have: Linux's answer is that of its shmem accounting.
  if (ftruncate(memory.get(), static_cast<off_t>(length)) != 0) return Errno(ENOMEM);
  return FilePtr(std::make_shared<SharedMemory>(std::move(memory)));
}

}  // namespace runsc
