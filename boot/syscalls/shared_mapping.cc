#include "boot/syscalls/shared_mapping.h"

#include "boot/base/checked.h"
#include "boot/kernel/control_group.h"
#include "boot/kernel/fs_context.h"
#include "boot/memory/shared_memory.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

constexpr std::uint64_t kPackedMost = 16 << 20;
// Of one container. The common file holds 4 TiB, the tmpfs of all containers included.
constexpr std::int64_t kMostPackedBytes = std::int64_t{512} << 30;
constexpr std::int64_t kMostDescriptors = 2048;

// What a piece takes from its container's share, until nobody maps it any more.
class Share {
 public:
  // Null: there is not so much left.
  static std::shared_ptr<Share> take(std::shared_ptr<ControlGroup> container,
                                     std::atomic<std::int64_t> ControlGroup::*counter, std::int64_t amount,
                                     std::int64_t most) {
    auto share = std::make_shared<Share>(std::move(container), counter, amount);
    return ((*share->container_).*counter).load() <= most ? share : nullptr;
  }
  Share(std::shared_ptr<ControlGroup> container, std::atomic<std::int64_t> ControlGroup::*counter, std::int64_t amount)
      : container_(std::move(container)), counter_(counter), amount_(amount) {
    ((*container_).*counter_).fetch_add(amount_);
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() { ((*container_).*counter_).fetch_sub(amount_); }

 private:
  const std::shared_ptr<ControlGroup> container_;
  std::atomic<std::int64_t> ControlGroup::*const counter_;
  const std::int64_t amount_;
};

Result<FilePtr> make_piece(CurrentTask& task, std::uint64_t length) {
  const auto& container = task.group().control_group();
  const auto& pack = task.fs().mounts()->services().make_memory_file;
  const bool packed = length <= kPackedMost && pack;
  auto share = packed ? Share::take(container, &ControlGroup::packed_shared_bytes, static_cast<std::int64_t>(length),
                                    kMostPackedBytes)
                      : Share::take(container, &ControlGroup::shared_descriptors, 1, kMostDescriptors);
  if (share == nullptr) return Errno(ENOMEM);
  struct Piece {
    std::shared_ptr<Share> share;
    FilePtr file;
  };
  auto piece = std::make_shared<Piece>(Piece{std::move(share), nullptr});
  auto file = packed ? pack("dev/zero", length, false) : make_shared_memory(length);
  if (!file.ok()) return Errno(ENOMEM);
  piece->file = std::move(*file);
  FileDescription* const object = piece->file.get();
  return FilePtr(std::move(piece), object);
}

}  // namespace

Result<void> back_shared_mapping(CurrentTask& task, MmapRequest& request) {
  constexpr int kOthers = MAP_HUGETLB | MAP_GROWSDOWN;  // refused by the memory manager
  const bool shared = (request.flags & MAP_TYPE) == MAP_SHARED && (request.flags & MAP_ANONYMOUS) != 0;
  if (!shared || (request.flags & kOthers) != 0) return {};
  const auto length = page_ceil(request.length);
  if (!length || *length == 0 || *length > task.memory().layout().task_size) return {};
  request.file = TRY(make_piece(task, *length));
  request.flags &= ~MAP_ANONYMOUS;
  request.offset = 0;  // whatever the caller gave
  request.name = "/dev/zero (deleted)";
  return {};
}

}  // namespace runsc
